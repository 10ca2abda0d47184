import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestServer, type TestServer } from '../open-test-server.ts'

const services = '/api/v1/namespaces/default/services'
const maps = '/api/v1/namespaces/default/configmaps'
const applyPatch = { contentType: 'application/apply-patch+yaml' }
const config = (name: string, data: Record<string, string>) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data,
})

async function open(): Promise<TestServer> {
  const server = await openTestServer()
  await server.call('POST', '/api/v1/namespaces', { metadata: { name: 'default' } })
  return server
}

test('an apply creates, repeats without a write, and changes', async () => {
  await using server = await open()
  const apply = (data: Record<string, string>) =>
    server.call('PATCH', `${maps}/a?fieldManager=me`, config('a', data), applyPatch)
  const created = await apply({ x: '1' })
  assert.equal(created.status, 201)
  server.clock.move(5000)
  const again = await apply({ x: '1' })
  assert.deepEqual(
    [again.status, again.object.metadata.resourceVersion],
    [200, created.object.metadata.resourceVersion],
  )
  const { object } = await apply({ y: '2' })
  assert.deepEqual(object.data, { y: '2' })
  assert.deepEqual(object.metadata.managedFields, [
    {
      manager: 'me',
      operation: 'Apply',
      apiVersion: 'v1',
      time: '2026-01-02T03:04:10Z',
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:data': { 'f:y': {} } },
    },
  ])
})

test('YAML from the network, conflicts told field by field, and force', async () => {
  await using server = await open()
  const text = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: "1", z: "1"}\n'
  assert.equal((await server.call('PATCH', `${maps}/a?fieldManager=one`, text, applyPatch)).status, 201)
  const two = config('a', { x: '2', z: '2' })
  const refused = await server.call('PATCH', `${maps}/a?fieldManager=two`, two, applyPatch)
  assert.equal(refused.status, 409)
  assert.equal(refused.object.message, 'Apply failed with 2 conflicts: conflicts with "one":\n- .data.x\n- .data.z')
  assert.deepEqual(refused.object.details.causes[0], {
    reason: 'FieldManagerConflict',
    message: 'conflict with "one"',
    field: '.data.x',
  })
  const forced = await server.call('PATCH', `${maps}/a?fieldManager=two&force=true`, two, applyPatch)
  assert.deepEqual(forced.object.data, { x: '2', z: '2' })
})

test('an update by somebody else is theirs, and a conflict later says when', async () => {
  await using server = await open()
  await server.call('PATCH', `${maps}/a?fieldManager=me`, config('a', { x: '1' }), applyPatch)
  const merge = { contentType: 'application/merge-patch+json', headers: { 'user-agent': 'ctl/1.0 (linux)' } }
  await server.call('PATCH', `${maps}/a`, { data: { x: '2' } }, merge)
  const { object } = await server.call('PATCH', `${maps}/a?fieldManager=me`, config('a', { x: '1' }), applyPatch)
  assert.equal(
    object.message,
    'Apply failed with 1 conflict: conflict with "ctl" using v1 at 2026-01-02T03:04:05Z: .data.x',
  )
})

test('what the server allocates and defaults is kept and owned by nobody', async () => {
  await using server = await open()
  await server.call('POST', '/apis/networking.k8s.io/v1/servicecidrs', {
    metadata: { name: 'kubernetes' },
    spec: { cidrs: ['10.96.0.0/16'] },
  })
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web' },
    spec: { ports: [{ port: 80 }], selector: { app: 'web' } },
  }
  const created = await server.call('PATCH', `${services}/web?fieldManager=me`, service, applyPatch)
  assert.equal(created.status, 201, JSON.stringify(created.object))
  const more = { ...service, spec: { ...service.spec, ports: [{ port: 80 }, { port: 81, name: 'b' }] } }
  more.spec.ports[0] = { port: 80, name: 'a' } as never
  const { object } = await server.call('PATCH', `${services}/web?fieldManager=me`, more, applyPatch)
  assert.equal(object.spec.clusterIP, created.object.spec.clusterIP)
  assert.deepEqual(
    object.spec.ports.map(({ port, protocol }: { port: number; protocol: string }) => [port, protocol]),
    [
      [80, 'TCP'],
      [81, 'TCP'],
    ],
  )
})

const refusals: Record<string, [query: string, body: object, code: number]> = {
  'without a field manager': ['', config('a', {}), 422],
  'without apiVersion and kind': ['fieldManager=me', { metadata: { name: 'a' } }, 400],
  'of an unknown field': ['fieldManager=me', { ...config('a', {}), dada: 1 }, 400],
  'with managedFields': [
    'fieldManager=me',
    { ...config('a', {}), metadata: { managedFields: [{ manager: 'x' }] } },
    400,
  ],
  'of another name': ['fieldManager=me', config('b', {}), 400],
}

for (const [name, [query, body, code]] of Object.entries(refusals)) {
  test(`refused: an apply ${name}`, async () => {
    await using server = await open()
    assert.equal((await server.call('PATCH', `${maps}/a?${query}`, body, applyPatch)).object.code, code)
    assert.equal((await server.call('GET', `${maps}/a`)).status, 404)
  })
}

test('creating by apply needs the right to create', async () => {
  await using server = await openTestServer({
    authorize: (attributes) => ({ allowed: attributes.type === 'resource' && attributes.verb === 'patch' }),
  })
  const { object } = await server.call('PATCH', `${maps}/a?fieldManager=me`, config('a', {}), applyPatch)
  assert.equal(object.code, 403)
})
