import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServicePortRoute } from './backend.ts'
import { isStale, planStaleSearch, servingByFront } from './select-stale-flows.ts'

const dns: ServicePortRoute = {
  key: 'default/dns:dns/UDP',
  protocol: 'UDP',
  clusterIp: '10.96.0.10',
  port: 53,
  nodePort: 30053,
  externalIps: ['192.0.2.1'],
  loadBalancerIps: ['192.0.2.2'],
  exclusiveIps: [],
  loadBalancerSourceRanges: [],
  internalPolicy: 'Cluster',
  externalPolicy: 'Cluster',
  affinitySeconds: 0,
  cluster: [],
  local: [],
  serving: ['10.244.1.2 8080'],
}
const serving = servingByFront([dns])

const cases: readonly (readonly [string, string, number, string, boolean])[] = [
  ['to a serving endpoint', '10.96.0.10', 53, '10.244.1.2', false],
  ['to an endpoint that is gone', '10.96.0.10', 53, '10.244.1.9', true],
  ['never translated', '10.96.0.10', 53, '10.96.0.10', true],
  ['by an external IP', '192.0.2.1', 53, '10.244.1.9', true],
  ['by a load balancer IP', '192.0.2.2', 53, '10.244.1.9', true],
  ['by a node port', '172.30.0.11', 30053, '10.244.1.9', true],
  ['by a node port, serving', '172.30.0.11', 30053, '10.244.1.2', false],
  ['of no Service', '172.30.0.11', 53, '172.30.0.11', false],
  ['to an address of a deleted Service', '10.96.0.11', 53, '10.244.1.2', true],
]
for (const [name, destination, destinationPort, replySource, stale] of cases) {
  test(`UDP flow ${name}: ${stale ? 'stale' : 'kept'}`, () => {
    const flow = { destination, destinationPort, replySource, replySourcePort: 8080 }
    assert.equal(isStale(flow, serving, ['10.96.0.0/16']), stale)
  })
}

const [clusterIp, externalIp, balancerIp, nodePort] = ['10.96.0.10 53', '192.0.2.1 53', '192.0.2.2 53', '* 30053']
const everywhere = [clusterIp, externalIp, balancerIp, nodePort]
const searches: readonly {
  readonly name: string
  readonly before: Partial<ServicePortRoute> | undefined
  readonly after: Partial<ServicePortRoute> | undefined
  readonly gone?: readonly string[]
  readonly fronts?: readonly (string | undefined)[]
}[] = [
  { name: 'an endpoint more', before: {}, after: { serving: ['10.244.1.2 8080', '10.244.1.3 8080'] } },
  { name: 'an endpoint that terminates, but serves', before: {}, after: { cluster: [] } },
  {
    name: 'an endpoint less',
    before: { serving: ['10.244.1.2 8080', '10.244.1.3 8080'] },
    after: {},
    gone: ['10.244.1.3'],
  },
  {
    name: 'an endpoint answers at another port',
    before: {},
    after: { serving: ['10.244.1.2 8081'] },
    gone: ['10.244.1.2'],
  },
  { name: 'the last endpoint', before: {}, after: { serving: [] }, gone: ['10.244.1.2'] },
  { name: 'the first endpoint', before: { serving: [] }, after: {}, fronts: everywhere },
  { name: 'a new Service', before: undefined, after: {}, fronts: everywhere },
  { name: 'a deleted Service', before: {}, after: undefined, gone: ['10.244.1.2'], fronts: everywhere },
  { name: 'an address more', before: { loadBalancerIps: [] }, after: {}, fronts: [balancerIp] },
  { name: 'another node port', before: {}, after: { nodePort: 30054 }, fronts: ['* 30053', '* 30054'] },
]
for (const { name, before, after, gone = [], fronts = [] } of searches) {
  test(`UDP flows to look for after ${name}`, () => {
    const search = { gone: new Set<string>(), fronts: new Map() }
    planStaleSearch(search, before && { ...dns, ...before }, after && { ...dns, ...after })
    assert.deepEqual([...search.gone], gone)
    assert.deepEqual(new Set(search.fronts.keys()), new Set(fronts))
  })
}

test('a flow to a port at which its endpoint answers no more is stale', () => {
  const flow = { destination: '10.96.0.10', destinationPort: 53, replySource: '10.244.1.2' }
  assert.equal(isStale({ ...flow, replySourcePort: 8080 }, serving, []), false)
  assert.equal(isStale({ ...flow, replySourcePort: 8081 }, serving, []), true)
})
