import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planAddresses } from '#lib/address-plan.ts'
import { applyBootstrap } from '../bootstrap/apply-bootstrap.ts'
import { openTestServer, type TestServer } from '../open-test-server.ts'
import { standardAdmission } from './standard-admission.ts'

const pods = '/api/v1/namespaces/default/pods'
const pod = (spec: object = {}) => ({
  metadata: { name: 'p' },
  spec: { containers: [{ name: 'c', image: 'x' }], ...spec },
})

async function open(): Promise<TestServer> {
  const server = await openTestServer({ admission: standardAdmission })
  await applyBootstrap(server.api.handle, planAddresses(0), AbortSignal.timeout(5000))
  return server
}

async function openWithAccount(account: object = {}): Promise<TestServer> {
  const server = await open()
  await server.call('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' }, ...account })
  return server
}

test('a pod gets the default service account and its volume', async () => {
  await using server = await openWithAccount()
  const { status, object } = await server.call('POST', pods, pod())
  assert.equal(status, 201, JSON.stringify(object))
  assert.equal(object.spec.serviceAccountName, 'default')
  const [mount] = object.spec.containers[0].volumeMounts
  assert.equal(mount.mountPath, '/var/run/secrets/kubernetes.io/serviceaccount')
  const volume = object.spec.volumes.find(({ name }: { name: string }) => name === mount.name)
  assert.equal(volume.projected.sources.length, 3)
  const keys = object.spec.tolerations.map(({ key }: { key: string }) => key)
  assert.deepEqual(keys, ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'])
})

test('no token where the pod or its account refuses it', async () => {
  await using server = await openWithAccount({ automountServiceAccountToken: false })
  assert.equal((await server.call('POST', pods, pod())).object.spec.volumes, undefined)
})

const refusals = [
  {
    name: 'account that does not exist',
    path: pods,
    body: pod({ serviceAccountName: 'x' }),
    status: 403,
    message: /error looking up service account default\/x: serviceaccount "x" not found/,
  },
  {
    name: 'namespace that does not exist',
    path: '/api/v1/namespaces/nope/configmaps',
    body: { metadata: { name: 'a' } },
    status: 404,
    message: /namespaces "nope" not found/,
  },
]

for (const { name, path, body, status, message } of refusals) {
  test(`refused: ${name}`, async () => {
    await using server = await open()
    const answer = await server.call('POST', path, body)
    assert.equal(answer.status, status)
    assert.match(answer.object.message, message)
  })
}

test('a namespace is labelled with its name, and closes when it goes', async () => {
  await using server = await open()
  const { object } = await server.call('POST', '/api/v1/namespaces', { metadata: { name: 'a' } })
  assert.equal(object.metadata.labels['kubernetes.io/metadata.name'], 'a')
  await server.call('DELETE', '/api/v1/namespaces/a')
  const late = await server.call('POST', '/api/v1/namespaces/a/configmaps', { metadata: { name: 'late' } })
  assert.equal(late.status, 403)
  assert.equal(late.object.details.causes[0].reason, 'NamespaceTerminating')
})

test('some namespaces stay', async () => {
  await using server = await open()
  assert.equal((await server.call('DELETE', '/api/v1/namespaces/kube-system')).status, 403)
})
