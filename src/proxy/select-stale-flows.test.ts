import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServicePortRoute } from './backend.ts'
import { isStale, servingByFront } from './select-stale-flows.ts'

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
  serving: ['10.244.1.2'],
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
    assert.equal(isStale({ destination, destinationPort, replySource }, serving, ['10.96.0.0/16']), stale)
  })
}
