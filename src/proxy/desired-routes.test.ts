import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressCondition } from '#api/load-balancer-address.ts'
import { RouteTracker } from './desired-routes.ts'
import { selectSourceRanges } from './desired-service-ports.ts'
import { endpoint, httpPort, service, slice, udpPort, udpSlice, vip } from './suite/packet-case.ts'

const tracker = () => new RouteTracker('IPv4', { name: 'node-1' })

test('a Service and its slice become a route', () => {
  const routes = tracker()
  routes.serviceChanged(undefined, service())
  routes.sliceChanged(undefined, slice({ endpoints: ['a1', 'b1'] }))
  const { desired, changed } = routes.collect()
  assert.deepEqual([...changed], ['default/web:http/TCP'])
  assert.deepEqual(desired.servicePorts.get('default/web:http/TCP'), {
    key: 'default/web:http/TCP',
    protocol: 'TCP',
    clusterIp: vip,
    port: 80,
    nodePort: 0,
    externalIps: [],
    loadBalancerIps: [],
    exclusiveIps: [],
    loadBalancerSourceRanges: [],
    internalPolicy: 'Cluster',
    externalPolicy: 'Cluster',
    affinitySeconds: 0,
    cluster: [
      { address: '10.244.1.2', port: 8080, isLocal: true },
      { address: '10.244.2.2', port: 8080, isLocal: false },
    ],
    local: [],
    serving: [],
  })
})

test('a change touches the ports of its own Service only', () => {
  const routes = tracker()
  const api = slice({ service: 'api', endpoints: ['b1'] })
  for (const name of ['web', 'api', 'shop']) routes.serviceChanged(undefined, service({ name }))
  routes.sliceChanged(undefined, api)
  const first = routes.collect().desired.servicePorts.get('default/web:http/TCP')
  routes.sliceChanged(api, slice({ service: 'api', endpoints: ['b2'] }))
  const { desired, changed } = routes.collect()
  assert.deepEqual([...changed], ['default/api:http/TCP'])
  assert.equal(desired.servicePorts.get('default/web:http/TCP'), first)
})

test('nothing new: nothing changed', () => {
  const routes = tracker()
  routes.serviceChanged(undefined, service())
  routes.collect()
  assert.equal(routes.hasChanges, false)
  assert.equal(routes.collect().changed.size, 0)
})

test('slices may come before their Service, and stay when it goes and comes back', () => {
  const routes = tracker()
  const [web, endpoints] = [service(), slice({ endpoints: ['a1'] })]
  const targets = () => routes.collect().desired.servicePorts.get('default/web:http/TCP')?.cluster.length
  routes.sliceChanged(undefined, endpoints)
  assert.equal(targets(), undefined)
  routes.serviceChanged(undefined, web)
  assert.equal(targets(), 1)
  routes.serviceChanged(web, undefined)
  assert.equal(targets(), undefined)
  routes.serviceChanged(undefined, web)
  assert.equal(targets(), 1)
  routes.sliceChanged(endpoints, undefined)
  assert.equal(targets(), 0)
})

test('a slice that moves to another Service leaves the first', () => {
  const routes = tracker()
  const before = slice({ name: 'one', endpoints: ['a1'] })
  routes.serviceChanged(undefined, service())
  routes.serviceChanged(undefined, service({ name: 'api' }))
  routes.sliceChanged(undefined, before)
  routes.collect()
  routes.sliceChanged(before, slice({ name: 'one', service: 'api', endpoints: ['a1'] }))
  const { desired } = routes.collect()
  assert.equal(desired.servicePorts.get('default/web:http/TCP')?.cluster.length, 0)
  assert.equal(desired.servicePorts.get('default/api:http/TCP')?.cluster.length, 1)
})

test('a renamed port is one gone and one new', () => {
  const routes = tracker()
  const before = service()
  routes.serviceChanged(undefined, before)
  routes.collect()
  routes.serviceChanged(before, service({ ports: [httpPort({ name: 'web' })] }))
  const { desired, changed } = routes.collect()
  assert.deepEqual([...changed].toSorted(), ['default/web:http/TCP', 'default/web:web/TCP'])
  assert.deepEqual([...desired.servicePorts.keys()], ['default/web:web/TCP'])
})

test('another zone of the node changes every Service', () => {
  const routes = tracker()
  routes.serviceChanged(undefined, service())
  routes.serviceChanged(undefined, service({ name: 'api' }))
  routes.collect()
  routes.nodeChanged({ name: 'node-1', zone: 'east' })
  assert.equal(routes.collect().changed.size, 2)
  routes.nodeChanged({ name: 'node-1', zone: 'east' })
  assert.equal(routes.hasChanges, false)
})

test('UDP routes know who serves, whatever the policy', () => {
  const routes = tracker()
  routes.serviceChanged(undefined, service({ ports: [udpPort()], internalTrafficPolicy: 'Local' }))
  const endpoints = [
    'a1' as const,
    endpoint('b1', 'draining'),
    endpoint('b2', 'notReady'),
    endpoint('c1', 'terminated'),
  ]
  routes.sliceChanged(undefined, udpSlice({ endpoints }))
  const route = routes.collect().desired.servicePorts.get('default/web:dns/UDP')
  assert.deepEqual(route?.serving, ['10.244.1.2 8080', '10.244.2.2 8080'])
})

const ranges: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['none', [], []],
  ['host bits are cleared', ['10.1.2.3/16'], ['10.1.0.0/16']],
  ['ranges inside others go', ['10.1.0.0/24', '10.1.0.0/16', '10.2.0.0/16'], ['10.1.0.0/16', '10.2.0.0/16']],
  ['repeats go', ['10.1.0.0/16', '10.1.9.9/16'], ['10.1.0.0/16']],
  ['everybody', ['10.1.0.0/16', '0.0.0.0/0'], []],
  ['other family ignored', ['fd00::/8', '10.1.0.0/16'], ['10.1.0.0/16']],
  ['spaces around', [' 10.1.0.0/16 '], ['10.1.0.0/16']],
]
for (const [name, given, expected] of ranges) {
  test(`source ranges: ${name}`, () => assert.deepEqual(selectSourceRanges(given, 'IPv4'), expected))
}

/** Load balancer addresses as the status has them: allocated by the condition, announced by the ingress. */
const balancerCases = [
  ['announced', { ingress: ['172.30.128.1'] }, '172.30.128.1', ''],
  ['allocated, not announced yet', { allocated: '172.30.128.1' }, '172.30.128.1', '172.30.128.1'],
  ['both', { allocated: '172.30.128.1', ingress: ['172.30.128.1'] }, '172.30.128.1', '172.30.128.1'],
  [
    'somebody else announces more',
    { allocated: '172.30.128.1', ingress: ['192.0.2.1'] },
    '192.0.2.1,172.30.128.1',
    '172.30.128.1',
  ],
  ['of another family', { allocated: 'fd00::1' }, '', ''],
  ['allocated, but of another type', { allocated: '172.30.128.1', type: 'NodePort' }, '', ''],
] as const

test('load balancer addresses are routed before they are announced', () => {
  for (const [name, given, loadBalancerIps, exclusiveIps] of balancerCases) {
    const {
      ingress = [],
      allocated,
      type = 'LoadBalancer',
    } = given as {
      ingress?: readonly string[]
      allocated?: string
      type?: 'LoadBalancer' | 'NodePort'
    }
    const condition = { type: addressCondition, status: 'True' as const, reason: 'Allocated', lastTransitionTime: '' }
    const status = {
      loadBalancer: { ingress: ingress.map((ip) => ({ ip, ipMode: 'VIP' as const })) },
      conditions: allocated ? [{ ...condition, message: allocated }] : [],
    }
    const routes = tracker()
    routes.serviceChanged(undefined, { ...service({ type }), status })
    const [route] = routes.collect().desired.servicePorts.values()
    assert.deepEqual([route?.loadBalancerIps.join(), route?.exclusiveIps.join()], [loadBalancerIps, exclusiveIps], name)
  }
})

test('source ranges: the field, else the older annotation', () => {
  const annotations = { 'service.beta.kubernetes.io/load-balancer-source-ranges': '10.1.0.0/16, 10.2.0.0/16' }
  for (const [ranges, expected] of [
    [undefined, '10.1.0.0/16,10.2.0.0/16'],
    [['10.3.0.0/16'], '10.3.0.0/16'],
  ] as const) {
    const base = service({ type: 'LoadBalancer', ...(ranges && { loadBalancerSourceRanges: [...ranges] }) })
    const routes = tracker()
    routes.serviceChanged(undefined, { ...base, metadata: { ...base.metadata, annotations } })
    const [route] = routes.collect().desired.servicePorts.values()
    assert.equal(route?.loadBalancerSourceRanges.join(), expected)
  }
})
