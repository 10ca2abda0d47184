/** Addresses follow their endpoints in the same turn in which those change, and then it is told. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EndpointSlice } from '#api/endpoint-slice.ts'
import { Lease } from '#api/lease.ts'
import { Node } from '#api/node.ts'
import { Service } from '#api/service.ts'
import type { Client } from '#client/contract.ts'
import { parseAddressPool } from '#lib/address-pool.ts'
import { systemClock, type Clock } from '#lib/clock.ts'
import { silentLog } from '#observe/log.ts'
import { HeldInformers } from '../../test/fixtures/held-informers.ts'
import type { LoadBalancerNetwork } from './network.ts'
import { sampleNode, sampleService, sampleSlice } from './sample-objects.ts'
import { startLoadBalancer } from './start-loadbalancer.ts'

const ip = '172.30.128.1'

/** Nothing is ever answered: what follows must not wait for anybody. */
const silentClient = {
  named: () => silentClient,
  of: () => new Proxy({}, { get: () => () => new Promise(() => {}) }),
} as unknown as Client

class FakeNetwork implements LoadBalancerNetwork {
  readonly #ways = new Map<string, string>()
  viaOf = (address: string) => this.#ways.get(address)
  announced = () => [...this.#ways.keys()]
  dial = () => new Promise<never>(() => {})
  dialsFrom = () => '172.30.0.1'

  announce(address: string, via: string | undefined): void {
    if (via === undefined) this.#ways.delete(address)
    else this.#ways.set(address, via)
  }
}

function node(number: number): Node {
  const { name, internalIps } = sampleNode(number)
  const addresses = internalIps.map((address) => ({ type: 'InternalIP', address }))
  return { metadata: { name }, status: { addresses } } as unknown as Node
}

type Condition = 'ready' | 'draining'

/** Endpoints on nodes by number. */
function slice(version: number, endpoints: Readonly<Record<number, Condition>>): EndpointSlice {
  const made = sampleSlice(
    Object.entries(endpoints).map(([number, condition]) => ({
      nodeName: `node-${number}`,
      conditions: { ready: condition === 'ready', serving: true, terminating: condition === 'draining' },
      targetRef: { kind: 'Pod', uid: `pod-${number}` },
    })),
  )
  const labels = { 'kubernetes.io/service-name': 'web' }
  return { ...made, metadata: { ...made.metadata, labels, resourceVersion: String(version) } }
}

/** What the proxy of a node has told. */
function lease(number: number, committed: number): Lease {
  const annotations = { 'frontdesk.dev/routes-committed': String(committed) }
  const spec = { renewTime: new Date().toISOString(), leaseDurationSeconds: 40 }
  return { metadata: { name: `node-${number}`, namespace: 'kube-node-lease', annotations }, spec } as unknown as Lease
}

async function open(clock: Clock = systemClock) {
  const informers = new HeldInformers()
  const network = new FakeNetwork()
  const told: string[] = []
  const status = { loadBalancer: { ingress: [{ ip }] } }
  const spec: Service['spec'] = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', ports: [{ port: 80 }] }
  informers.of(Service).put(sampleService('web', { spec, status }))
  informers.of(Node).put(node(1), node(2))
  informers.of(EndpointSlice).put(slice(3, { 1: 'ready' }))
  const stop = new AbortController()
  const options = {
    client: silentClient,
    informers: informers as never,
    pools: [parseAddressPool('172.30.128.0/24')!],
    network,
    publish: (version: number) => told.push(`${version}: ${network.viaOf(ip)}`),
    clock,
    log: silentLog,
  }
  const balancer = startLoadBalancer(options, stop.signal)
  balancer.synced.catch(() => {})
  informers.sync()
  while (told.length === 0) await new Promise((resolve) => setImmediate(resolve))
  return { informers, network, told, end: () => stop.abort() }
}

test('an address of policy Local leaves a node in the same turn as its endpoint, and that is told', async () => {
  const { informers, told, end } = await open()
  informers.of(EndpointSlice).put(slice(5, { 1: 'ready', 2: 'ready' }))
  informers.of(EndpointSlice).put(slice(8, { 1: 'draining', 2: 'ready' }))
  assert.deepEqual(told, ['3: 172.30.0.11', '8: 172.30.0.12'])
  end()
})

test('an address of policy Local waits where pods still answer until the proxy of the next node has its endpoint', async () => {
  const { informers, network, told, end } = await open()
  informers.of(Lease).put(lease(2, 4))
  informers.of(EndpointSlice).put(slice(5, { 1: 'ready', 2: 'ready' }))
  informers.of(EndpointSlice).put(slice(8, { 1: 'draining', 2: 'ready' }))
  assert.equal(network.viaOf(ip), '172.30.0.11')
  informers.of(Lease).put(lease(2, 7))
  assert.equal(told.length, 1, 'nobody may stop yet')
  informers.of(Lease).put(lease(2, 8))
  assert.deepEqual(told, ['3: 172.30.0.11', '8: 172.30.0.12'])
  end()
})

for (const { name, next } of [
  { name: 'a second has passed', next: slice(9, { 1: 'draining', 2: 'ready' }) },
  { name: 'nothing answers where it leads', next: slice(9, { 2: 'ready' }) },
]) {
  test(`an address of policy Local waits for no proxy when ${name}`, async () => {
    let nowMs = Date.now()
    const { informers, told, end } = await open({ ...systemClock, nowMs: () => nowMs })
    informers.of(Lease).put(lease(2, 4))
    informers.of(EndpointSlice).put(slice(8, { 1: 'draining', 2: 'ready' }))
    if (name.includes('second')) nowMs += 1_000
    informers.of(EndpointSlice).put(next)
    assert.deepEqual(told, ['3: 172.30.0.11', '9: 172.30.0.12'])
    end()
  })
}

test('an address of policy Local moves after a second, whoever is silent', async (t) => {
  let nowMs = Date.now()
  const { informers, told, end } = await open({ ...systemClock, nowMs: () => nowMs })
  t.mock.timers.enable({ apis: ['setTimeout'] })
  informers.of(Lease).put(lease(2, 4))
  informers.of(EndpointSlice).put(slice(8, { 1: 'draining', 2: 'ready' }))
  nowMs += 1_000
  t.mock.timers.tick(1_000)
  assert.deepEqual(told, ['3: 172.30.0.11', '8: 172.30.0.12'])
  end()
})
