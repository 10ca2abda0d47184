/** What writes do to quotas, and quotas to writes. The status that a controller would write is written by the tests. */
import assert from 'node:assert/strict'
import { describe, it, test } from 'node:test'
import type { Store } from '#store/contract.ts'
import { openMemoryStore } from '#store/memory/open-memory-store.ts'
import { openTestServer, type TestServer } from '../open-test-server.ts'

const base = '/api/v1/namespaces/default'
const merge = { contentType: 'application/merge-patch+json' }
type Amounts = Record<string, string>

async function open(options: Parameters<typeof openTestServer>[0] = {}): Promise<TestServer> {
  const server = await openTestServer(options)
  const object = { metadata: { name: 'kubernetes' }, spec: { cidrs: ['10.96.0.0/20'] } }
  await server.call('POST', '/apis/networking.k8s.io/v1/servicecidrs', object)
  return server
}

/** With everything that it limits unused, unless said otherwise. */
async function addQuota(server: TestServer, hard: Amounts, { name = 'q', used = {}, spec = {} } = {}): Promise<void> {
  const { status } = await server.call('POST', `${base}/resourcequotas`, {
    metadata: { name },
    spec: { hard, ...spec },
  })
  assert.equal(status, 201)
  const unused = Object.fromEntries(Object.keys(hard).map((limited) => [limited, '0']))
  await writeStatus(server, { hard, used: { ...unused, ...used } }, name)
}

async function writeStatus(server: TestServer, status: object, name = 'q'): Promise<void> {
  const answer = await server.call('PATCH', `${base}/resourcequotas/${name}/status`, { status }, merge)
  assert.equal(answer.status, 200, JSON.stringify(answer.object))
}

const usedOf = async (server: TestServer, name = 'q'): Promise<Amounts> =>
  (await server.call('GET', `${base}/resourcequotas/${name}`)).object.status.used

const service = (name: string, spec: object = {}) => ({ metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } })
const create = (server: TestServer, name: string, spec?: object, query = '') =>
  server.call('POST', `${base}/services${query}`, service(name, spec))
const patch = (server: TestServer, name: string, spec: object, query = '') =>
  server.call('PATCH', `${base}/services/${name}${query}`, { spec }, merge)

const ports = [
  { name: 'a', port: 80 },
  { name: 'b', port: 81 },
]
const pod = (name: string, resources: object = {}, spec: object = {}) => ({
  metadata: { name },
  spec: { containers: [{ name: 'c', image: 'x', resources }], ...spec },
})

describe('Services beyond the limit', () => {
  it('are refused in words that everybody knows, and use up nothing', async () => {
    await using server = await open()
    await addQuota(server, { services: '2', 'services.nodeports': '10' })
    for (const name of ['a', 'b']) assert.equal((await create(server, name)).status, 201)
    const { status, object } = await create(server, 'c')
    assert.equal(status, 403)
    assert.equal(
      object.message,
      'services "c" is forbidden: exceeded quota: q, requested: services=1, used: services=2, limited: services=2',
    )
    assert.deepEqual([object.reason, object.details], ['Forbidden', { name: 'c', kind: 'services' }])
    assert.deepEqual(await usedOf(server), { services: '2', 'services.nodeports': '0' })
    const held = (await server.call('GET', '/apis/networking.k8s.io/v1/ipaddresses')).object.items
    assert.equal(held.length, 2, 'the address of the refused Service is free')
  })

  it('name all that is too much, in order', async () => {
    await using server = await open()
    await addQuota(server, { 'services.nodeports': '3', 'services.loadbalancers': '0', services: '9' })
    const { object } = await create(server, 'a', {
      type: 'LoadBalancer',
      ports: [...ports, ...ports].map((p, i) => ({ name: `p${i}`, port: p.port + i * 10 })),
    })
    assert.match(
      object.message,
      /exceeded quota: q, requested: services.loadbalancers=1,services.nodeports=4, used: services.loadbalancers=0,services.nodeports=0, limited: services.loadbalancers=0,services.nodeports=3$/,
    )
  })

  it('are refused by any of several quotas, and then charged to none', async () => {
    await using server = await open()
    await addQuota(server, { services: '5' }, { name: 'large' })
    await addQuota(server, { 'count/services': '0' }, { name: 'small' })
    const { object } = await create(server, 'a')
    assert.match(object.message, /exceeded quota: small, requested: count\/services=1/)
    assert.deepEqual(await usedOf(server, 'large'), { services: '0' })
  })

  it('have their place as soon as another goes', async () => {
    await using server = await open()
    await addQuota(server, { services: '1', 'services.nodeports': '2' })
    await create(server, 'a', { type: 'NodePort', ports })
    assert.equal((await create(server, 'b')).status, 403)
    await server.call('DELETE', `${base}/services/a`)
    assert.deepEqual(await usedOf(server), { services: '0', 'services.nodeports': '0' })
    assert.equal((await create(server, 'b')).status, 201)
  })

  it('keep it while finalizers hold them', async () => {
    await using server = await open()
    await addQuota(server, { services: '1' })
    const held = service('a')
    await server.call('POST', `${base}/services`, { ...held, metadata: { name: 'a', finalizers: ['a.example/b'] } })
    await server.call('DELETE', `${base}/services/a`)
    assert.deepEqual(await usedOf(server), { services: '1' })
    await server.call('PATCH', `${base}/services/a`, { metadata: { finalizers: null } }, merge)
    assert.deepEqual(await usedOf(server), { services: '0' })
  })
})

const transitions: { name: string; from: object; to: object; used: Amounts }[] = [
  { name: 'NodePort', from: { ports }, to: { type: 'NodePort' }, used: { nodeports: '2', loadbalancers: '0' } },
  { name: 'LoadBalancer', from: { ports }, to: { type: 'LoadBalancer' }, used: { nodeports: '2', loadbalancers: '1' } },
  {
    name: 'LoadBalancer without node ports',
    from: { ports },
    to: { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false },
    used: { nodeports: '0', loadbalancers: '1' },
  },
  {
    name: 'one port more',
    from: { type: 'NodePort', ports: ports.slice(1) },
    to: { ports },
    used: { nodeports: '2', loadbalancers: '0' },
  },
  {
    name: 'ClusterIP again',
    from: { type: 'LoadBalancer', ports },
    to: { type: 'ClusterIP' },
    used: { nodeports: '0', loadbalancers: '0' },
  },
  {
    name: 'NodePort instead of LoadBalancer',
    from: { type: 'LoadBalancer', ports },
    to: { type: 'NodePort' },
    used: { nodeports: '2', loadbalancers: '0' },
  },
]

describe('a Service that becomes', () => {
  for (const { name, from, to, used } of transitions) {
    it(`${name} is charged for that`, async () => {
      await using server = await open()
      await addQuota(server, { 'services.nodeports': '2', 'services.loadbalancers': '1' })
      assert.equal((await create(server, 'a', from)).status, 201)
      const { status, object } = await patch(server, 'a', to)
      assert.equal(status, 200, JSON.stringify(object))
      const expected = { 'services.nodeports': used['nodeports'], 'services.loadbalancers': used['loadbalancers'] }
      assert.deepEqual(await usedOf(server), expected)
    })
  }

  it('more than the quota allows is refused and stays as it is', async () => {
    await using server = await open()
    await addQuota(server, { services: '1', 'services.nodeports': '1' })
    await create(server, 'a', { ports })
    const { status, object } = await patch(server, 'a', { type: 'NodePort' })
    assert.equal(status, 403)
    assert.match(
      object.message,
      /requested: services.nodeports=2, used: services.nodeports=0, limited: services.nodeports=1$/,
    )
    assert.equal((await server.call('GET', `${base}/services/a`)).object.spec.type, 'ClusterIP')
    assert.equal(
      (await patch(server, 'a', { sessionAffinity: 'ClientIP' })).status,
      200,
      'what uses no more may change',
    )
  })
})

test('a dry run is refused as the write would be, and uses up nothing', async () => {
  await using server = await open()
  await addQuota(server, { services: '1', 'services.nodeports': '1' })
  for (const name of ['a', 'b']) assert.equal((await create(server, name, {}, '?dryRun=All')).status, 201)
  assert.deepEqual(await usedOf(server), { services: '0', 'services.nodeports': '0' })
  await create(server, 'a', { ports })
  assert.equal((await create(server, 'b', {}, '?dryRun=All')).status, 403)
  assert.equal((await patch(server, 'a', { type: 'NodePort' }, '?dryRun=All')).status, 403)
  await server.call('DELETE', `${base}/services/a?dryRun=All`)
  assert.deepEqual(await usedOf(server), { services: '1', 'services.nodeports': '0' })
})

test('limits that were lowered refuse only what makes it worse', async () => {
  await using server = await open()
  await addQuota(server, { services: '5', 'services.nodeports': '2' })
  for (const name of ['a', 'b']) await create(server, name, { type: 'NodePort', ports: ports.slice(1) })
  await writeStatus(server, { hard: { services: '5', 'services.nodeports': '1' } })
  assert.equal((await create(server, 'c')).status, 201)
  assert.equal((await create(server, 'd', { type: 'NodePort' })).status, 403)
})

describe('every kind', () => {
  const counted = [
    { path: `${base}/configmaps`, name: 'configmaps', object: {} },
    { path: `${base}/secrets`, name: 'count/secrets', object: {} },
    {
      path: '/apis/apps/v1/namespaces/default/deployments',
      name: 'count/deployments.apps',
      object: {
        spec: {
          selector: { matchLabels: { a: 'b' } },
          template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'x' }] } },
        },
      },
    },
    { path: `${base}/resourcequotas`, name: 'resourcequotas', object: { spec: {} } },
  ]
  for (const { path, name, object } of counted) {
    it(`is counted: ${name}`, async () => {
      await using server = await open()
      await addQuota(server, { [name]: '1' })
      assert.equal((await server.call('POST', path, { metadata: { name: 'a' }, ...object })).status, 201)
      const second = await server.call('POST', path, { metadata: { name: 'b' }, ...object })
      assert.equal(second.status, 403)
      assert.match(second.object.message, new RegExp(`exceeded quota: q, requested: ${name}=1, used: ${name}=1`))
      await server.call('DELETE', `${path}/a`)
      assert.deepEqual(await usedOf(server), { [name]: '0' })
    })
  }

  it('has its name back when the quota itself goes', async () => {
    await using server = await open()
    await addQuota(server, { resourcequotas: '1' }, { used: { resourcequotas: '1' } })
    assert.equal((await server.call('DELETE', `${base}/resourcequotas/q`)).status, 200)
    assert.equal((await server.call('GET', `${base}/resourcequotas`)).object.items.length, 0)
  })

  it('is counted in its own namespace only', async () => {
    await using server = await open()
    await addQuota(server, { services: '0' })
    assert.equal((await server.call('POST', '/api/v1/namespaces/other/services', service('a'))).status, 201)
  })
})

describe('pods', () => {
  const hard = { pods: '5', 'requests.cpu': '1', 'limits.memory': '1Gi' }
  const resources = { requests: { cpu: '600m' }, limits: { memory: '512Mi' } }

  it('have to say what is limited', async () => {
    await using server = await open()
    await addQuota(server, hard)
    const { status, object } = await server.call('POST', `${base}/pods`, pod('a'))
    assert.equal(status, 403)
    assert.equal(
      object.message,
      'pods "a" is forbidden: failed quota: q: must specify limits.memory for: c; requests.cpu for: c',
    )
  })

  it('are charged exactly, and give all back when they end', async () => {
    await using server = await open()
    await addQuota(server, { ...hard, 'count/pods': '5' })
    assert.equal((await server.call('POST', `${base}/pods`, pod('a', resources))).status, 201)
    const { object } = await server.call('POST', `${base}/pods`, pod('b', resources))
    assert.match(object.message, /requested: requests.cpu=600m, used: requests.cpu=600m, limited: requests.cpu=1$/)
    await server.call('PATCH', `${base}/pods/a/status`, { status: { phase: 'Succeeded' } }, merge)
    const ended = { pods: '0', 'requests.cpu': '0', 'limits.memory': '0', 'count/pods': '1' }
    assert.deepEqual(await usedOf(server), ended)
    await server.call('DELETE', `${base}/pods/a`)
    assert.deepEqual(await usedOf(server), { ...ended, 'count/pods': '0' })
  })

  it('are charged to the quotas whose scopes they have, and move without being refused', async () => {
    await using server = await open()
    await addQuota(server, { pods: '0' }, { name: 'timed', spec: { scopes: ['Terminating'] } })
    await addQuota(server, { pods: '1' }, { name: 'lasting', spec: { scopes: ['NotTerminating'] } })
    assert.equal((await server.call('POST', `${base}/pods`, pod('a', {}, { activeDeadlineSeconds: 9 }))).status, 403)
    assert.equal((await server.call('POST', `${base}/pods`, pod('a'))).status, 201)
    const { status } = await server.call('PATCH', `${base}/pods/a`, { spec: { activeDeadlineSeconds: 9 } }, merge)
    assert.equal(status, 200)
    assert.deepEqual([await usedOf(server, 'timed'), await usedOf(server, 'lasting')], [{ pods: '1' }, { pods: '0' }])
  })
})

test('nobody gets room by asking for less than nothing', async () => {
  await using server = await open()
  await addQuota(server, { 'requests.storage': '1Gi' })
  const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '-1Gi' } } }
  const { status, object } = await server.call('POST', `${base}/persistentvolumeclaims`, {
    metadata: { name: 'a' },
    spec,
  })
  assert.equal(status, 403)
  assert.match(object.message, /quota usage is negative for resource\(s\): requests.storage$/)
})

describe('a quota that nobody has counted for yet', () => {
  it('refuses what it limits', async () => {
    await using server = await open()
    await server.call('POST', `${base}/resourcequotas`, { metadata: { name: 'q' }, spec: { hard: { services: '5' } } })
    await writeStatus(server, { hard: { services: '5', 'services.nodeports': '1', pods: '1' }, used: { pods: '0' } })
    const { status, object } = await create(server, 'a')
    assert.equal(status, 403)
    assert.equal(
      object.message,
      'services "a" is forbidden: status unknown for quota: q, resources: services,services.nodeports',
    )
  })

  it('lets pass what it does not limit yet, and shows whoever counts that there is one more', async () => {
    await using server = await open()
    const spec = { hard: { services: '0' } }
    const { object } = await server.call('POST', `${base}/resourcequotas`, { metadata: { name: 'q' }, spec })
    assert.equal((await create(server, 'a')).status, 201)
    const counted = { ...object, status: { hard: { services: '0' }, used: { services: '0' } } }
    assert.equal((await server.call('PUT', `${base}/resourcequotas/q/status`, counted)).status, 409)
  })
})

/** A store that tells what is asked of it, one watch late as over a network. */
function watchedStore(store: Store, asked: string[]): Store {
  const tell = <A extends unknown[], R>(name: string, ask: (...given: A) => R) => {
    return (...given: A): R => {
      asked.push(name)
      return ask(...given)
    }
  }
  return {
    currentRevision: tell('currentRevision', () => store.currentRevision()),
    get: tell('get', (key) => store.get(key)),
    list: tell('list', (prefix, options) => store.list(prefix, options)),
    put: tell('put', (key, value, expected) => store.put(key, value, expected)),
    delete: tell('delete', (key, expected) => store.delete(key, expected)),
    commit: tell('commit', (changes) => store.commit(changes)),
    watch: async function* (prefix, after, signal) {
      for await (const batch of store.watch(prefix, after, signal)) {
        await new Promise((resolve) => setImmediate(resolve))
        yield batch
      }
    },
    [Symbol.asyncDispose]: async () => {},
  }
}

test('a namespace without quotas pays nothing for those of others', async () => {
  const asked: string[] = []
  await using store = openMemoryStore()
  await using server = await open({ store: watchedStore(store, asked) })
  const costs = async (namespace: string) => {
    asked.length = 0
    await server.call('POST', `/api/v1/namespaces/${namespace}/configmaps`, { metadata: { name: 'a' } })
    await server.call('DELETE', `/api/v1/namespaces/${namespace}/configmaps/a`)
    return [...asked]
  }
  const before = await costs('other')
  await addQuota(server, { configmaps: '5' })
  assert.deepEqual(await costs('other'), before)
  const charged = await costs('default')
  assert.deepEqual(
    charged.filter((ask) => !before.includes(ask)),
    ['commit', 'commit'],
    'one transaction for each write',
  )
})

describe('of many at once', () => {
  const limit = 37
  const race = async (servers: readonly TestServer[]) => {
    const [first] = servers as [TestServer]
    await addQuota(first, { services: String(limit), 'services.nodeports': '1k' })
    for (const server of servers) await server.call('GET', `${base}/resourcequotas/q`)
    const answers = await Promise.all(
      Array.from({ length: 120 }, (_, i) =>
        create(servers[i % servers.length]!, `s-${i}`, { type: 'NodePort', ports }),
      ),
    )
    const statuses = answers.map(({ status }) => status)
    const stored = (await first.call('GET', `${base}/services`)).object.items.length
    return { statuses, stored, used: await usedOf(first), answers }
  }

  it('exactly as many are created as the quota allows', async () => {
    await using server = await open()
    const { statuses, stored, used } = await race([server])
    assert.equal(statuses.filter((status) => status === 201).length, limit)
    assert.equal(statuses.filter((status) => status === 403).length, 120 - limit)
    assert.deepEqual([stored, used], [limit, { services: String(limit), 'services.nodeports': String(2 * limit) }])
  })

  it('never more, with two servers on one store that know of each other late', async () => {
    await using store = openMemoryStore()
    await using one = await open({ store: watchedStore(store, []) })
    await using two = await openTestServer({ store: watchedStore(store, []) })
    await two.call('GET', '/apis/networking.k8s.io/v1/servicecidrs/kubernetes')
    const { statuses, stored, used } = await race([one, two])
    const created = statuses.filter((status) => status === 201).length
    assert.deepEqual(
      [stored, used],
      [created, { services: String(created), 'services.nodeports': String(2 * created) }],
    )
    assert.equal(created, limit, 'nor less')
  })

  it('deletions free exactly what was used', async () => {
    await using server = await open()
    await race([server])
    const { items } = (await server.call('GET', `${base}/services`)).object
    await Promise.all(
      items.map(({ metadata }: { metadata: { name: string } }) =>
        server.call('DELETE', `${base}/services/${metadata.name}`),
      ),
    )
    assert.deepEqual(await usedOf(server), { services: '0', 'services.nodeports': '0' })
  })
})
