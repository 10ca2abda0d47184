import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Node } from '#api/node.ts'
import { RouteTracker } from './desired-routes.ts'
import { desiredHealthCheck } from './desired-health-checks.ts'
import { ProxyHealth } from './proxy-health.ts'
import { endpoint, service, slice } from './suite/packet-case.ts'

const balanced = service({ type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 31_000 })

const counts: readonly (readonly [string, Parameters<typeof slice>[0]['endpoints'], number])[] = [
  ['ready ones of this node', ['a1', 'a2', 'b1'], 2],
  ['draining ones do not count', ['a1', endpoint('a2', 'draining')], 1],
  ['one in two slices counts once', ['a1', 'a1'], 1],
  ['none here', ['b1'], 0],
]
for (const [name, endpoints, expected] of counts) {
  test(`health check node port: ${name}`, () => {
    assert.equal(desiredHealthCheck(balanced, [slice({ endpoints })], 'node-1')?.localEndpoints, expected)
  })
}

test('health check node ports exist for load balancers with policy Local only', () => {
  const others = [
    service({ type: 'NodePort', externalTrafficPolicy: 'Local', healthCheckNodePort: 31_000 }),
    service({ type: 'LoadBalancer', externalTrafficPolicy: 'Cluster', healthCheckNodePort: 31_000 }),
    service({ type: 'LoadBalancer', externalTrafficPolicy: 'Local' }),
  ]
  for (const one of others) assert.equal(desiredHealthCheck(one, [], 'node-1'), undefined)
})

test('health check node port: of its own family', () => {
  const ofBoth = { ...balanced, spec: { ...balanced.spec, clusterIPs: ['10.96.0.100', 'fd00::a'] } }
  const sixes = { ...slice({ name: 'six', endpoints: [] }), addressType: 'IPv6' as const }
  const here = ['fd00:1::2', 'fd00:1::3'].map((address) => ({ addresses: [address], nodeName: 'node-1' }))
  const counted = (['IPv4', 'IPv6'] as const).map((family) => {
    const tracker = new RouteTracker(family, { name: 'node-1' })
    tracker.serviceChanged(undefined, ofBoth)
    tracker.sliceChanged(undefined, slice({ endpoints: ['a1'] }))
    tracker.sliceChanged(undefined, { ...sixes, endpoints: here })
    tracker.collect()
    return [...tracker.healthChecks.values()].map(({ localEndpoints }) => localEndpoints)
  })
  assert.deepEqual(counted, [[1], [2]])
})

test('health checks follow Services and endpoints', () => {
  const tracker = new RouteTracker('IPv4', { name: 'node-1' })
  const counted = () => {
    tracker.collect()
    return [...tracker.healthChecks.values()].map(({ localEndpoints }) => localEndpoints)
  }
  tracker.serviceChanged(undefined, balanced)
  assert.deepEqual(counted(), [0])
  tracker.sliceChanged(undefined, slice({ endpoints: ['a1'] }))
  assert.deepEqual(counted(), [1])
  tracker.serviceChanged(balanced, undefined)
  assert.deepEqual(counted(), [])
})

const node = (spec: Node['spec'] = {}, deletionTimestamp?: string) =>
  ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'node-1', ...(deletionTimestamp && { deletionTimestamp }) },
    spec,
  }) as Node

test('a proxy is well while its changes get written in time, and its node wants traffic', () => {
  let now = 1_000_000
  const health = new ProxyHealth('IPv4', () => now)
  const seen = () => [health.healthz().healthy, health.livez().healthy]
  assert.deepEqual(seen(), [true, true], 'nothing asked for')
  health.queued()
  now += 59_000
  assert.deepEqual(seen(), [true, true], 'still in time')
  now += 2_000
  assert.deepEqual(seen(), [false, false], 'stuck')
  health.synced()
  assert.deepEqual(seen(), [true, true], 'written')
  health.nodeChanged(node({ taints: [{ key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' }] }))
  assert.deepEqual(seen(), [false, true], 'to be deleted')
  health.nodeChanged(node({}, '2026-01-01T00:00:00Z'))
  assert.deepEqual(seen(), [false, true], 'being deleted')
  health.nodeChanged(node())
  assert.deepEqual(seen(), [true, true])
  assert.deepEqual(Object.keys(JSON.parse(health.livez().body)), ['lastUpdated', 'currentTime', 'healthy', 'status'])
})

test('a change that comes while others are written waits by itself', () => {
  let now = 1_000_000
  const health = new ProxyHealth('IPv4', () => now)
  health.queued()
  health.collecting()
  now += 50_000
  health.queued()
  health.synced()
  now += 50_000
  assert.equal(health.livez().healthy, true, '100 s after the first, 50 s after the second')
  now += 11_000
  assert.equal(health.livez().healthy, false, '61 s after the second')
  health.unchanged()
  assert.equal(health.livez().healthy, true, 'it was not for this proxy')
})

test('a proxy that cannot write is not well, whatever it was asked', () => {
  let now = 1_000_000
  const health = new ProxyHealth('IPv4', () => now)
  health.collecting()
  health.failed()
  now += 59_000
  assert.equal(health.healthz().healthy, true)
  health.collecting()
  health.failed()
  now += 2_000
  assert.equal(health.healthz().healthy, false)
  health.synced()
  assert.equal(health.healthz().healthy, true)
})
