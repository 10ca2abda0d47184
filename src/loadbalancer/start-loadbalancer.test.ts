/** Addresses follow their endpoints in the same turn in which those change, and then it is told. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EndpointSlice } from '#api/endpoint-slice.ts'
import { Node } from '#api/node.ts'
import { Service } from '#api/service.ts'
import type { Client } from '#client/contract.ts'
import { parseAddressPool } from '#lib/address-pool.ts'
import { systemClock } from '#lib/clock.ts'
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

test('an address of policy Local leaves a node in the same turn as its endpoint, and that is told', async () => {
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
    clock: systemClock,
    log: silentLog,
  }
  const balancer = startLoadBalancer(options, stop.signal)
  informers.sync()
  while (told.length === 0) await new Promise((resolve) => setImmediate(resolve))
  informers.of(EndpointSlice).put(slice(5, { 1: 'ready', 2: 'ready' }))
  informers.of(EndpointSlice).put(slice(8, { 1: 'draining', 2: 'ready' }))
  assert.deepEqual(told, ['3: 172.30.0.11', '8: 172.30.0.12'])
  stop.abort()
  balancer.synced.catch(() => {})
})
