import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openTestServer, type TestServer } from './open-test-server.ts'

const maps = '/api/v1/namespaces/default/configmaps'
const pods = '/api/v1/namespaces/default/pods'
const deployments = '/apis/apps/v1/namespaces/default/deployments'
const merge = { contentType: 'application/merge-patch+json' }
const strategic = { contentType: 'application/strategic-merge-patch+json' }
const json = { contentType: 'application/json-patch+json' }

const deployment = (replicas = 1) => ({
  metadata: { name: 'web' },
  spec: {
    replicas,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: {
        containers: [
          { name: 'a', image: 'a:1' },
          { name: 'b', image: 'b:1' },
        ],
      },
    },
  },
})
const pod = (name = 'p') => ({ metadata: { name }, spec: { containers: [{ name: 'c', image: 'c' }] } })

function cases(title: string, table: Record<string, (server: TestServer) => Promise<void>>): void {
  describe(title, () => {
    for (const [name, body] of Object.entries(table)) {
      test(name, async () => {
        await using server = await openTestServer()
        await server.call('POST', '/api/v1/namespaces', { metadata: { name: 'default' } })
        await body(server)
      })
    }
  })
}

cases('patching', {
  'a merge patch changes and removes': async (server) => {
    await server.call('POST', maps, { metadata: { name: 'a' }, data: { x: '1', y: '1' } })
    const { object } = await server.call('PATCH', `${maps}/a`, { data: { x: null, z: '2' } }, merge)
    assert.deepEqual(object.data, { y: '1', z: '2' })
  },
  'a strategic merge patch finds a container by name, and counts a generation': async (server) => {
    await server.call('POST', deployments, deployment())
    const patch = { spec: { template: { spec: { containers: [{ name: 'b', image: 'b:2' }] } } } }
    const { object } = await server.call('PATCH', `${deployments}/web`, patch, strategic)
    const images = object.spec.template.spec.containers.map(({ image }: { image: string }) => image)
    assert.deepEqual([images, object.metadata.generation], [['a:1', 'b:2'], 2])
  },
  'metadata changes count no generation': async (server) => {
    await server.call('POST', deployments, deployment())
    const { object } = await server.call('PATCH', `${deployments}/web`, { metadata: { labels: { x: 'y' } } }, merge)
    assert.equal(object.metadata.generation, 1)
  },
  'a JSON patch works through bytes as well': async (server) => {
    await server.call('POST', maps, { metadata: { name: 'a' }, data: { x: '1' } })
    const patch = [
      { op: 'test', path: '/data/x', value: '1' },
      { op: 'replace', path: '/data/x', value: '2' },
    ]
    const { object } = await server.call('PATCH', `${maps}/a`, patch, { ...json, raw: true })
    assert.deepEqual(object.data, { x: '2' })
  },
  'a failing JSON patch test is 422 and changes nothing': async (server) => {
    await server.call('POST', maps, { metadata: { name: 'a' }, data: { x: '1' } })
    const patch = [
      { op: 'replace', path: '/data/x', value: '2' },
      { op: 'test', path: '/data/x', value: '3' },
    ]
    const { status, object } = await server.call('PATCH', `${maps}/a`, patch, json)
    assert.equal(status, 422)
    assert.deepEqual(object.details.causes, [{ field: 'patch', message: 'Test failed: 2 != 3' }])
    assert.deepEqual((await server.call('GET', `${maps}/a`)).object.data, { x: '1' })
  },
  'a resourceVersion in the patch is a precondition': async (server) => {
    await server.call('POST', maps, { metadata: { name: 'a' } })
    const patch = { metadata: { resourceVersion: '1', labels: { x: 'y' } } }
    assert.equal((await server.call('PATCH', `${maps}/a`, patch, merge)).object.reason, 'Conflict')
  },
  'patches that race are all applied': async (server) => {
    await server.call('POST', maps, { metadata: { name: 'a' } })
    const patches = ['1', '2', '3', '4'].map((key) => server.call('PATCH', `${maps}/a`, { data: { [key]: '' } }, merge))
    assert.deepEqual(new Set((await Promise.all(patches)).map(({ status }) => status)), new Set([200]))
    const { object } = await server.call('GET', `${maps}/a`)
    assert.deepEqual(Object.keys(object.data).sort(), ['1', '2', '3', '4'])
  },
  'a result of the wrong type is 422': async (server) => {
    await server.call('POST', maps, { metadata: { name: 'a' } })
    const { object } = await server.call('PATCH', `${maps}/a`, { data: 'text' }, merge)
    assert.equal(object.code, 422)
    assert.equal(object.details.causes[0].field, 'patch')
  },
  'status is not touched through the object, nor spec through the status': async (server) => {
    await server.call('POST', deployments, deployment())
    const both = { spec: { replicas: 5 }, status: { replicas: 7 } }
    const { object: one } = await server.call('PATCH', `${deployments}/web`, both, merge)
    assert.deepEqual([one.spec.replicas, one.status?.replicas], [5, undefined])
    const { object: two } = await server.call(
      'PATCH',
      `${deployments}/web/status`,
      { spec: { replicas: 6 }, status: { replicas: 7 } },
      merge,
    )
    assert.deepEqual([two.spec.replicas, two.status.replicas, two.metadata.generation], [5, 7, 2])
  },
  'an unknown patch type is refused with the accepted ones': async (server) => {
    const { object } = await server.call('PATCH', `${maps}/a`, {}, { contentType: 'application/apply-patch+cbor' })
    assert.equal(object.code, 415)
    assert.match(object.message, /application\/merge-patch\+json/)
  },
})

cases('scale', {
  'shows and sets replicas': async (server) => {
    await server.call('POST', deployments, deployment(2))
    const { object: before } = await server.call('GET', `${deployments}/web/scale`)
    assert.deepEqual([before.kind, before.spec, before.status.selector], ['Scale', { replicas: 2 }, 'app=web'])
    const { object: after } = await server.call('PATCH', `${deployments}/web/scale`, { spec: { replicas: 3 } }, merge)
    assert.equal(after.spec.replicas, 3)
    const { object: put } = await server.call('PUT', `${deployments}/web/scale`, { ...after, spec: { replicas: 0 } })
    assert.equal(put.spec.replicas, 0)
    const { object } = await server.call('GET', `${deployments}/web`)
    assert.deepEqual([object.spec.replicas, object.metadata.generation], [0, 3])
  },
  'a stale version conflicts and a negative number is refused': async (server) => {
    await server.call('POST', deployments, deployment(2))
    const stale = { metadata: { name: 'web', resourceVersion: '1' }, spec: { replicas: 1 } }
    assert.equal((await server.call('PUT', `${deployments}/web/scale`, stale)).status, 409)
    const negative = { metadata: { name: 'web' }, spec: { replicas: -1 } }
    assert.equal((await server.call('PUT', `${deployments}/web/scale`, negative)).status, 422)
  },
})

const bindTo = (node: string) => ({ metadata: { name: 'p' }, target: { kind: 'Node', name: node } })

cases('pods', {
  'binding sets the node once': async (server) => {
    await server.call('POST', pods, pod())
    const bound = await server.call('POST', `${pods}/p/binding`, bindTo('n1'))
    assert.deepEqual([bound.status, bound.object.status], [201, 'Success'])
    const { object } = await server.call('GET', `${pods}/p`)
    assert.equal(object.spec.nodeName, 'n1')
    assert.deepEqual(object.status.conditions[0].type, 'PodScheduled')
    const again = await server.call('POST', `${pods}/p/binding`, bindTo('n2'))
    assert.equal(
      again.object.message,
      'Operation cannot be fulfilled on pods/binding "p": pod p is already assigned to node "n1"',
    )
  },
  'a pod on a node goes gracefully, and at once when its node says so': async (server) => {
    await server.call('POST', pods, pod())
    await server.call('POST', `${pods}/p/binding`, bindTo('n1'))
    const { object } = await server.call('DELETE', `${pods}/p`)
    assert.equal(object.metadata.deletionGracePeriodSeconds, 30)
    assert.equal(object.metadata.deletionTimestamp, '2026-01-02T03:04:35Z')
    const shorter = await server.call('DELETE', `${pods}/p`, { gracePeriodSeconds: 5 })
    assert.equal(shorter.object.metadata.deletionTimestamp, '2026-01-02T03:04:10Z')
    const longer = await server.call('DELETE', `${pods}/p`, { gracePeriodSeconds: 60 })
    assert.equal(longer.object.metadata.deletionTimestamp, '2026-01-02T03:04:10Z')
    await server.call('DELETE', `${pods}/p`, { gracePeriodSeconds: 0 })
    assert.equal((await server.call('GET', `${pods}/p`)).status, 404)
  },
  'a pod without a node goes at once': async (server) => {
    await server.call('POST', pods, pod())
    await server.call('DELETE', `${pods}/p`)
    assert.equal((await server.call('GET', `${pods}/p`)).status, 404)
  },
  'eviction deletes, unless a budget forbids it': async (server) => {
    await server.call('POST', pods, { ...pod(), metadata: { name: 'p', labels: { app: 'x' } } })
    await server.call('PATCH', `${pods}/p/status`, { status: { phase: 'Running' } }, merge)
    const budgets = '/apis/policy/v1/namespaces/default/poddisruptionbudgets'
    await server.call('POST', budgets, {
      metadata: { name: 'b' },
      spec: { minAvailable: 1, selector: { matchLabels: { app: 'x' } } },
    })
    const counted = { observedGeneration: 1, disruptionsAllowed: 0, desiredHealthy: 1, currentHealthy: 1 }
    await server.call('PATCH', `${budgets}/b/status`, { status: counted }, merge)
    const refused = await server.call('POST', `${pods}/p/eviction`, { metadata: { name: 'p' } })
    assert.equal(refused.status, 429)
    assert.equal(
      refused.object.details.causes[0].message,
      'The disruption budget b needs 1 healthy pods and has 1 currently',
    )
    await server.call('PATCH', `${budgets}/b/status`, { status: { disruptionsAllowed: 1 } }, merge)
    assert.equal((await server.call('POST', `${pods}/p/eviction`, { metadata: { name: 'p' } })).status, 201)
    assert.equal((await server.call('GET', `${pods}/p`)).status, 404)
    const { object } = await server.call('GET', `${budgets}/b`)
    assert.deepEqual([object.status.disruptionsAllowed, Object.keys(object.status.disruptedPods)], [0, ['p']])
  },
  'ephemeral containers can be added and not removed': async (server) => {
    await server.call('POST', pods, pod())
    const path = `${pods}/p/ephemeralcontainers`
    const patch = { spec: { ephemeralContainers: [{ name: 'debug', image: 'busybox' }] } }
    const { object } = await server.call('PATCH', path, patch, strategic)
    assert.equal(object.spec.ephemeralContainers[0].name, 'debug')
    const removed = await server.call('PATCH', path, { spec: { ephemeralContainers: [] } }, merge)
    assert.equal(removed.status, 422)
  },
})

cases('namespaces', {
  'stay Terminating until finalized': async (server) => {
    await server.call('POST', '/api/v1/namespaces', { metadata: { name: 'a' } })
    const { object } = await server.call('DELETE', '/api/v1/namespaces/a')
    assert.equal(object.status.phase, 'Terminating')
    const finalized = { ...object, spec: { finalizers: [] } }
    assert.equal((await server.call('PUT', '/api/v1/namespaces/a/finalize', finalized)).status, 200)
    assert.equal((await server.call('GET', '/api/v1/namespaces/a')).status, 404)
  },
  'a name on its way out cannot be taken': async (server) => {
    await server.call('POST', '/api/v1/namespaces', { metadata: { name: 'a' } })
    await server.call('DELETE', '/api/v1/namespaces/a')
    const { object } = await server.call('POST', '/api/v1/namespaces', { metadata: { name: 'a' } })
    assert.equal(object.message, 'object is being deleted: namespaces "a" already exists')
  },
})

test('tokens are made for accounts that exist', async () => {
  const mintToken = (account: { name: string }, options?: { expirationSeconds?: number }) => ({
    token: `token-of-${account.name}-${options?.expirationSeconds}`,
    expirationTimestamp: '2026-01-02T04:04:05Z',
  })
  await using server = await openTestServer({ mintToken })
  const accounts = '/api/v1/namespaces/default/serviceaccounts'
  assert.equal((await server.call('POST', `${accounts}/a/token`, { spec: {} })).status, 404)
  await server.call('POST', accounts, { metadata: { name: 'a' } })
  const { status, object } = await server.call('POST', `${accounts}/a/token`, { spec: {} })
  assert.deepEqual([status, object.status.token], [201, 'token-of-a-3600'])
  const short = await server.call('POST', `${accounts}/a/token`, { spec: { expirationSeconds: 60 } })
  assert.equal(short.status, 422)
})

test('what somebody may not do is told in full', async () => {
  await using server = await openTestServer({ authorize: () => ({ allowed: false }) })
  const message = async (method: 'GET' | 'PATCH', path: string) =>
    (await server.call(method, path, undefined, { user: 'bob' })).object.message
  assert.equal(
    await message('GET', '/api/v1/namespaces/default/pods'),
    'pods is forbidden: User "bob" cannot list resource "pods" in API group "" in the namespace "default"',
  )
  assert.equal(
    await message('PATCH', '/apis/apps/v1/namespaces/default/deployments/web/scale'),
    'deployments.apps "web" is forbidden: User "bob" cannot patch resource "deployments/scale" ' +
      'in API group "apps" in the namespace "default"',
  )
  assert.equal(
    await message('GET', '/api/v1/nodes'),
    'nodes is forbidden: User "bob" cannot list resource "nodes" in API group "" at the cluster scope',
  )
  assert.equal(await message('GET', '/metrics'), 'forbidden: User "bob" cannot get path "/metrics"')
})
