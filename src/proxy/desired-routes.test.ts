import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressCondition } from '#api/load-balancer-address.ts'
import { RouteTracker } from './desired-routes.ts'
import { selectSourceRanges } from './desired-service-ports.ts'
import { endpoint, httpPort, service, slice, udpPort, udpSlice, vip } from './suite/packet-case.ts'

const tracker = () => new RouteTracker('IPv4', { name: 'node-1' })

/** Everything as it is now, and the keys of what changed, in which a change says what was before. */
function collect(routes: RouteTracker) {
  const { desired, changes } = routes.collect()
  const all = new Map([...desired.routes].map((route) => [route.key, route]))
  return { all, changes: [...changes], changed: [...changes].map(({ key }) => key), services: changes.services }
}

test('a Service and its slice become a route', () => {
  const routes = tracker()
  routes.serviceChanged(undefined, service())
  routes.sliceChanged(undefined, slice({ endpoints: ['a1', 'b1'] }))
  const { all, changed } = collect(routes)
  assert.deepEqual(changed, ['default/web:http/TCP'])
  assert.deepEqual(all.get('default/web:http/TCP'), {
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
  const first = collect(routes).all
  routes.sliceChanged(api, slice({ service: 'api', endpoints: ['b2'] }))
  const { all, changes } = collect(routes)
  const key = 'default/api:http/TCP'
  assert.deepEqual(changes, [{ key, before: first.get(key), after: all.get(key) }])
  assert.deepEqual(all.get('default/web:http/TCP'), first.get('default/web:http/TCP'))
})

test('nothing new: nothing changed', () => {
  const routes = tracker()
  routes.serviceChanged(undefined, service())
  routes.collect()
  assert.equal(routes.hasChanges, false)
  assert.equal(collect(routes).services, 0)
})

test('slices may come before their Service, and stay when it goes and comes back', () => {
  const routes = tracker()
  const [web, endpoints] = [service(), slice({ endpoints: ['a1'] })]
  const targets = () => collect(routes).all.get('default/web:http/TCP')?.cluster.length
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
  const { all } = collect(routes)
  assert.equal(all.get('default/web:http/TCP')?.cluster.length, 0)
  assert.equal(all.get('default/api:http/TCP')?.cluster.length, 1)
})

test('a renamed port is one gone and one new', () => {
  const routes = tracker()
  const before = service()
  routes.serviceChanged(undefined, before)
  routes.collect()
  routes.serviceChanged(before, service({ ports: [httpPort({ name: 'web' })] }))
  const { all, changes } = collect(routes)
  const shown = changes.map(({ key, before, after }) => `${key} ${before?.port ?? '-'} ${after?.port ?? '-'}`)
  assert.deepEqual(shown.toSorted(), ['default/web:http/TCP 80 -', 'default/web:web/TCP - 80'])
  assert.deepEqual([...all.keys()], ['default/web:web/TCP'])
})

test('another zone of the node changes every Service', () => {
  const routes = tracker()
  routes.serviceChanged(undefined, service())
  routes.serviceChanged(undefined, service({ name: 'api' }))
  routes.collect()
  routes.nodeChanged({ name: 'node-1', zone: 'east' })
  assert.equal(collect(routes).services, 2)
  routes.nodeChanged({ name: 'node-1', zone: 'east' })
  assert.equal(routes.hasChanges, false)
})

test('what comes in after a collection is not among its routes, and does not change what came before', () => {
  const routes = tracker()
  const [one, two] = [slice({ endpoints: ['a1'] }), slice({ endpoints: ['a1', 'b1'] })]
  routes.serviceChanged(undefined, service())
  routes.sliceChanged(undefined, one)
  const first = routes.collect()
  routes.sliceChanged(one, two)
  routes.serviceChanged(undefined, service({ name: 'api' }))
  const lengths = () => [...first.desired.routes].map(({ key, cluster }) => `${key} ${cluster.length}`)
  assert.deepEqual(lengths(), ['default/web:http/TCP 1'])
  assert.deepEqual(
    [...first.changes].map(({ before, after }) => [before, after?.cluster.length]),
    [[undefined, 1]],
  )
  routes.nodeChanged({ name: 'node-1', zone: 'east' })
  assert.deepEqual(lengths(), ['default/web:http/TCP 1'])
  const second = routes.collect()
  const changes = [...second.changes].map(({ key, before, after }) => [
    key,
    before?.cluster.length,
    after?.cluster.length,
  ])
  assert.deepEqual(changes, [
    ['default/web:http/TCP', 1, 2],
    ['default/api:http/TCP', undefined, 0],
  ])
})

test('routes of before are as they were, also where the zone has changed since', () => {
  const zonal = (zone: string, address: 'a1' | 'b1') => ({
    ...endpoint(address, 'ready'),
    hints: { forZones: [{ name: zone }] },
  })
  const routes = new RouteTracker('IPv4', { name: 'node-1', zone: 'west' })
  routes.serviceChanged(undefined, service())
  routes.sliceChanged(undefined, slice({ endpoints: [zonal('west', 'a1'), zonal('east', 'b1')] }))
  routes.collect()
  routes.nodeChanged({ name: 'node-1', zone: 'east' })
  const [change] = collect(routes).changes
  assert.deepEqual(
    change?.before?.cluster.map(({ address }) => address),
    ['10.244.1.2'],
  )
  assert.deepEqual(
    change?.after?.cluster.map(({ address }) => address),
    ['10.244.2.2'],
  )
})

test('Service ports with policy Local and no endpoint here are counted', () => {
  const routes = tracker()
  const gaps = () => {
    routes.collect()
    return [routes.localGaps.internal, routes.localGaps.external]
  }
  const inside = service({ internalTrafficPolicy: 'Local' })
  const outside = service({
    name: 'api',
    type: 'NodePort',
    externalTrafficPolicy: 'Local',
    ports: [httpPort({ nodePort: 30080 })],
  })
  const elsewhere = slice({ endpoints: ['b1'] })
  routes.serviceChanged(undefined, inside)
  assert.deepEqual(gaps(), [0, 0], 'nobody answers anywhere')
  routes.sliceChanged(undefined, elsewhere)
  assert.deepEqual(gaps(), [1, 0])
  routes.serviceChanged(undefined, outside)
  routes.sliceChanged(undefined, slice({ service: 'api', endpoints: ['b2'] }))
  assert.deepEqual(gaps(), [1, 1])
  routes.sliceChanged(elsewhere, slice({ endpoints: ['b1', 'a1'] }))
  assert.deepEqual(gaps(), [0, 1])
  routes.serviceChanged(outside, undefined)
  assert.deepEqual(gaps(), [0, 0])
})

test('an IPv6 address is one address, however it is written', () => {
  const routes = new RouteTracker('IPv6', { name: 'node-1' })
  const [clusterIP, odd, oddOnce, canonical] = ['FD00:0::A', '2001:db8:0::9', '2001:DB8::9', '2001:db8::9']
  const allocated = { type: addressCondition, status: 'True' as const, reason: 'Allocated', lastTransitionTime: '' }
  const one = service({ type: 'LoadBalancer', clusterIP, externalIPs: [odd, oddOnce] })
  routes.serviceChanged(undefined, {
    ...one,
    spec: { ...one.spec, clusterIPs: [clusterIP] },
    status: {
      loadBalancer: { ingress: [{ ip: odd, ipMode: 'VIP' as const }] },
      conditions: [{ ...allocated, message: canonical }],
    },
  })
  const endpoints = ['fd00:1::2', 'FD00:1:0::2', 'fd00:1::3'].map((address) => ({ addresses: [address] }))
  routes.sliceChanged(undefined, { ...slice({ endpoints: [] }), addressType: 'IPv6', endpoints })
  const [route] = collect(routes).all.values()
  assert.equal(route?.clusterIp, 'fd00::a')
  assert.deepEqual(
    [route?.externalIps, route?.loadBalancerIps, route?.exclusiveIps],
    [[canonical], [canonical], [canonical]],
  )
  assert.deepEqual(
    route?.cluster.map(({ address }) => address),
    ['fd00:1::2', 'fd00:1::3'],
  )
})

test('a proxy takes what is of its family, and passes over the rest', () => {
  const both = service({
    type: 'LoadBalancer',
    clusterIP: 'fd00::a',
    externalIPs: ['192.0.2.1', '2001:db8::1'],
    ingress: [{ ip: '192.0.2.2' }, { ip: '2001:db8::2' }],
    loadBalancerSourceRanges: ['10.0.0.0/8', '2001:db8::/32'],
  })
  const dual = { ...both, spec: { ...both.spec, clusterIPs: ['fd00::a', vip] } }
  const foreign = { ...slice({ name: 'six', endpoints: [] }), addressType: 'IPv6' as const }
  const expected = {
    IPv4: [vip, ['192.0.2.1'], ['192.0.2.2'], ['10.0.0.0/8'], ['10.244.1.2']],
    IPv6: ['fd00::a', ['2001:db8::1'], ['2001:db8::2'], ['2001:db8::/32'], ['fd00:1::2']],
  } as const
  for (const family of ['IPv4', 'IPv6'] as const) {
    const routes = new RouteTracker(family, { name: 'node-1' })
    routes.serviceChanged(undefined, dual)
    routes.sliceChanged(undefined, slice({ endpoints: ['a1'] }))
    routes.sliceChanged(undefined, { ...foreign, endpoints: [{ addresses: ['fd00:1::2'] }] })
    const [route] = collect(routes).all.values()
    assert.ok(route)
    const { clusterIp, externalIps, loadBalancerIps, loadBalancerSourceRanges, cluster } = route
    const addresses = cluster.map(({ address }) => address)
    assert.deepEqual([clusterIp, externalIps, loadBalancerIps, loadBalancerSourceRanges, addresses], expected[family])
  }
  const other = new RouteTracker('IPv6', { name: 'node-1' })
  other.serviceChanged(undefined, service())
  assert.equal(collect(other).all.size, 0, 'no address of this family')
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
  const route = collect(routes).all.get('default/web:dns/UDP')
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
    const [route] = collect(routes).all.values()
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
    const [route] = collect(routes).all.values()
    assert.equal(route?.loadBalancerSourceRanges.join(), expected)
  }
})
