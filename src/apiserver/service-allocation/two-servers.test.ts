/** Two API servers on one store: what one hands out, the other never does. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planAddresses } from '#lib/address-plan.ts'
import type { Store } from '#store/contract.ts'
import { openMemoryStore } from '#store/memory/open-memory-store.ts'
import { applyBootstrap } from '../bootstrap/apply-bootstrap.ts'
import { openTestServer, type TestServer } from '../open-test-server.ts'

const services = '/api/v1/namespaces/default/services'
const addresses = '/apis/networking.k8s.io/v1/ipaddresses'

/** Between a server and its store: the watch comes a moment late, so that both servers decide on old knowledge. */
function lateStore(store: Store): Store {
  return {
    currentRevision: () => store.currentRevision(),
    get: (key) => store.get(key),
    list: (prefix, options) => store.list(prefix, options),
    put: (key, value, expected) => store.put(key, value, expected),
    delete: (key, expected) => store.delete(key, expected),
    commit: (changes) => store.commit(changes),
    watch: async function* (prefix, after, signal) {
      for await (const batch of store.watch(prefix, after, signal)) {
        await new Promise((resolve) => setImmediate(resolve))
        yield batch
      }
    },
    [Symbol.asyncDispose]: async () => {},
  }
}

async function openTwo(nodePorts: object, cidr?: string): Promise<AsyncDisposable & { servers: TestServer[] }> {
  const store = openMemoryStore()
  const servers = [
    await openTestServer({ store: lateStore(store), nodePorts }),
    await openTestServer({ store: lateStore(store), nodePorts }),
  ]
  if (cidr) {
    const object = { metadata: { name: 'kubernetes' }, spec: { cidrs: [cidr] } }
    await servers[0]!.call('POST', '/apis/networking.k8s.io/v1/servicecidrs', object)
    await servers[1]!.call('GET', '/apis/networking.k8s.io/v1/servicecidrs/kubernetes')
  } else await applyBootstrap(servers[0]!.api.handle, planAddresses(0), AbortSignal.timeout(5000))
  return {
    servers,
    [Symbol.asyncDispose]: async () => {
      for (const server of servers) await server[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
    },
  }
}

const nodePortService = (name: string) => ({
  metadata: { name },
  spec: {
    type: 'NodePort',
    ports: [
      { name: 'a', port: 80 },
      { name: 'b', port: 81 },
    ],
  },
})

test('all numbers are handed out, each once, and then there are none', async () => {
  // 200 Services want 400 node ports of 300, and 200 addresses of 254.
  await using two = await openTwo({ first: 30_000, last: 30_299 }, '10.96.0.0/24')
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, i) => two.servers[i % 2]!.call('POST', services, nodePortService(`s-${i}`))),
  )
  const stored = (await two.servers[0]!.call('GET', services)).object.items
  const ports = stored.flatMap(({ spec }: never) => (spec as { ports: { nodePort: number }[] }).ports)
  const numbers = ports.map(({ nodePort }: { nodePort: number }) => nodePort)
  const ips = stored.map(({ spec }: { spec: { clusterIP: string } }) => spec.clusterIP)
  assert.equal(new Set(numbers).size, numbers.length, 'a node port was handed out twice')
  assert.equal(new Set(ips).size, ips.length, 'an address was handed out twice')
  const refused = answers.filter(({ status }) => status !== 201)
  assert.ok(refused.length >= 50, `${refused.length} refused`)
  for (const { status, object } of refused) {
    assert.equal(status, 500)
    assert.match(object.message, /failed to allocate a nodePort: range is full/)
  }
  // What refused Services had taken meanwhile is free again: every address belongs to a stored Service.
  const held = (await two.servers[1]!.call('GET', addresses)).object.items
  assert.deepEqual(held.map(({ metadata }: { metadata: { name: string } }) => metadata.name).toSorted(), ips.toSorted())
  // Every number that nobody has can be had by name.
  const left = Array.from({ length: 300 }, (_, i) => 30_000 + i).filter((port) => !numbers.includes(port))
  for (const [i, nodePort] of left.entries()) {
    const spec = { type: 'NodePort', ports: [{ port: 80, nodePort }] }
    const { status, object } = await two.servers[i % 2]!.call('POST', services, { metadata: { name: `t-${i}` }, spec })
    assert.equal(status, 201, JSON.stringify(object))
  }
})

test('one asks for the same address and node port on both: one gets them', async () => {
  await using two = await openTwo({})
  for (let round = 0; round < 20; round++) {
    const spec = {
      type: 'NodePort',
      clusterIP: `10.96.0.${50 + round}`,
      ports: [{ port: 80, nodePort: 30_000 + round }],
    }
    const answers = await Promise.all(
      two.servers.map((server, i) => server.call('POST', services, { metadata: { name: `r${round}-${i}` }, spec })),
    )
    assert.deepEqual(
      answers.map(({ status }) => status).toSorted((a, b) => a - b),
      [201, 422],
    )
  }
})

test('under creation, change and deletion on both, no number has two holders and none is lost', async () => {
  await using two = await openTwo({ first: 30_000, last: 30_039 })
  const work = async (worker: number): Promise<void> => {
    const name = `w-${worker}`
    const server = (step: number) => two.servers[(worker + step) % 2]!
    for (let round = 0; round < 6; round++) {
      assert.equal((await server(0).call('POST', services, nodePortService(name))).status, 201)
      const { object } = await server(1).call('GET', `${services}/${name}`)
      const types = ['ClusterIP', 'NodePort', 'ExternalName', 'LoadBalancer']
      for (const [step, type] of types.entries()) {
        const spec = { type, ...(type === 'ExternalName' && { externalName: 'a.example' }) }
        const options = { contentType: 'application/merge-patch+json' }
        const { status, object: changed } = await server(step).call('PATCH', `${services}/${name}`, { spec }, options)
        assert.equal(status, 200, `${object.spec.type} to ${type}: ${changed.message}`)
      }
      await Promise.all([0, 1].map((step) => server(step).call('DELETE', `${services}/${name}`)))
    }
  }
  await Promise.all(Array.from({ length: 10 }, (_, worker) => work(worker)))
  const held = (await two.servers[0]!.call('GET', addresses)).object.items
  assert.deepEqual(held.map(({ spec }: { spec: { parentRef: { name: string } } }) => spec.parentRef.name).toSorted(), [
    'kube-dns',
    'kubernetes',
  ])
  const ports = Array.from({ length: 40 }, (_, i) => ({ name: `p-${i}`, port: 1000 + i }))
  const all = await two.servers[1]!.call('POST', services, {
    metadata: { name: 'all' },
    spec: { type: 'NodePort', ports },
  })
  assert.equal(all.status, 201, 'some number was not given back')
})
