import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestServer } from './open-test-server.ts'

const old = '/apis/networking.k8s.io/v1beta1/servicecidrs'
const now = '/apis/networking.k8s.io/v1/servicecidrs'
const range = (name: string, cidr: string, version = 'v1beta1') => ({
  apiVersion: `networking.k8s.io/${version}`,
  kind: 'ServiceCIDR',
  metadata: { name },
  spec: { cidrs: [cidr] },
})

test('an older version is the same objects under another name', async () => {
  await using server = await openTestServer()
  const created = await server.call('POST', old, range('a', '10.9.0.0/24'), { raw: true })
  assert.deepEqual([created.status, created.object.apiVersion], [201, 'networking.k8s.io/v1beta1'])
  assert.equal((await server.call('GET', `${now}/a`)).object.apiVersion, 'networking.k8s.io/v1')
  const list = (await server.call('GET', old)).object
  assert.deepEqual([list.apiVersion, list.kind], ['networking.k8s.io/v1beta1', 'ServiceCIDRList'])
  assert.equal(list.items[0].apiVersion, 'networking.k8s.io/v1beta1')
  const yaml = (await server.call('GET', `${old}/a`, undefined, { accept: 'application/yaml' })).text
  assert.match(yaml, /^apiVersion: networking\.k8s\.io\/v1beta1$/m)
  const labelled = await server.call('PUT', `${old}/a`, {
    ...created.object,
    metadata: { ...created.object.metadata, labels: { x: 'y' } },
  })
  assert.deepEqual([labelled.status, labelled.object.metadata.labels], [200, { x: 'y' }])
  const apply = { contentType: 'application/apply-patch+yaml' }
  const applied = await server.call(
    'PATCH',
    `${old}/b?fieldManager=m`,
    JSON.stringify(range('b', '10.8.0.0/24')),
    apply,
  )
  assert.deepEqual([applied.status, applied.object.apiVersion], [201, 'networking.k8s.io/v1beta1'])
  assert.equal((await server.call('DELETE', `${old}/b`)).status, 200)
})

test('an older version watches, in its own name', async () => {
  await using server = await openTestServer()
  await server.call('POST', now, range('a', '10.9.0.0/24', 'v1'))
  await using watch = server.watch(`${old}?watch=1`)
  const { type, object } = await watch.next()
  assert.deepEqual([type, object.apiVersion, object.metadata.name], ['ADDED', 'networking.k8s.io/v1beta1', 'a'])
})

test('a body of another version than the path is refused', async () => {
  await using server = await openTestServer()
  for (const [path, version] of [
    [old, 'v1'],
    [now, 'v1beta1'],
  ] as const) {
    const { status, object } = await server.call('POST', path, range('a', '10.9.0.0/24', version))
    assert.equal(status, 400)
    assert.match(object.message, /does not match the expected API version/)
  }
})

test('discovery offers older versions after the current one', async () => {
  await using server = await openTestServer()
  const { object } = await server.call('GET', '/apis/networking.k8s.io')
  assert.equal(object.preferredVersion.version, 'v1')
  assert.deepEqual(
    object.versions.map(({ version }: { version: string }) => version),
    ['v1', 'v1beta1'],
  )
  const { resources } = (await server.call('GET', '/apis/networking.k8s.io/v1beta1')).object
  assert.deepEqual(resources.map(({ name }: { name: string }) => name).toSorted(), [
    'ipaddresses',
    'servicecidrs',
    'servicecidrs/status',
  ])
})
