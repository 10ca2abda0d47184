/** What is easily got wrong: combinations of policies, objects that do not change, connections that are there already. */
import {
  answeredBy,
  endpoint,
  hostIp,
  httpPort,
  keptPort,
  nodes,
  packetCase,
  plan,
  pods,
  service,
  slice,
  vip,
  type ClusterState,
  type Dial,
  type Outcome,
  type PodName,
  type ServiceDraft,
} from '../packet-case.ts'

const to = `${vip}:80`
const external = '10.96.200.1'
const boundVip = '10.96.200.9'
const nodePort = 30080
const balanced = (draft: ServiceDraft = {}) =>
  service({
    type: 'LoadBalancer',
    externalTrafficPolicy: 'Cluster',
    ingress: [{ ip: external, ipMode: 'VIP' }],
    ports: [httpPort({ nodePort })],
    ...draft,
  })
const forZone = (name: string) => ({ hints: { forZones: [{ name }] } })

const hinted: ClusterState = {
  services: [service()],
  slices: [slice({ endpoints: [endpoint('a1', 'ready', forZone('east')), endpoint('b1', 'ready', forZone('west'))] })],
}
const east = { 'node-1': 'east', 'node-2': 'west' } as const
const west = { 'node-1': 'west', 'node-2': 'west' } as const
const fromA2 = (expect: Outcome): Dial[] => [{ from: 'a2', to, expect }]

const keptSlice = (...endpoints: PodName[]) =>
  slice({ endpoints, ports: [{ name: 'http', port: keptPort, protocol: 'TCP' }] })
const kept = (...endpoints: PodName[]): ClusterState => ({
  services: [service({ type: 'NodePort', externalTrafficPolicy: 'Cluster', ports: [httpPort({ nodePort })] })],
  slices: [keptSlice(...endpoints)],
})
const node2Port = `${nodes['node-2'].internalIp}:${nodePort}`
/** Two connections that stay: by the ClusterIP and by a node port. */
const staying = (by: string): Dial[] => [
  { from: 'b2', to, socket: 'cluster-ip', times: 1, expect: { by: [by] } },
  { from: 'host', to: node2Port, socket: 'node-port', times: 1, expect: { by: [by] } },
]

const otherRange = '10.97.0.0/16'
const inOtherRange = '10.97.0.100'

export const trapCases = [
  packetCase(
    'internal policy Local without local endpoint: the ClusterIP drops, the load balancer address works',
    [
      'trap: internal policy Local behind a load balancer',
      'policies: each for its own direction',
      'ClusterIP, Local, L empty: dropped',
      'LB-VIP, Cluster',
    ],
    {
      services: [balanced({ internalTrafficPolicy: 'Local' })],
      slices: [slice({ endpoints: ['b1'] })],
      dials: [
        { from: 'a1', to, expect: 'timeout' },
        { from: 'a1', to: `${external}:80`, expect: { by: ['b1:8080'] } },
        { from: 'host', to: `${external}:80`, expect: { by: ['b1:8080'] } },
      ],
    },
  ),
  packetCase(
    'with topology, policy Local and affinity at once each list sticks by itself',
    ['affinity: within its list', 'topology: zone hints', 'affinity: sticks', 'LB-VIP, Local'],
    {
      services: [balanced({ externalTrafficPolicy: 'Local', sessionAffinity: 'ClientIP' })],
      slices: [
        slice({
          endpoints: [
            endpoint('a1', 'ready', forZone('west')),
            endpoint('b1', 'ready', forZone('east')),
            endpoint('c1', 'ready', forZone('east')),
          ],
        }),
      ],
      zones: east,
      dials: [
        { from: 'a2', to: `${external}:80`, expect: { by: ['b1:8080', 'c1:8080'], sticky: true, seenAs: pods.a2.ip } },
        { from: 'host', to: `${external}:80`, expect: { by: ['a1:8080'], sticky: true, seenAs: hostIp } },
      ],
    },
  ),
  packetCase(
    'a node that changes its zone looks at every Service anew',
    ['topology: zone hints', 'topology: the zone of a node changes'],
    { ...hinted, zones: east, dials: fromA2({ by: ['a1:8080'] }) },
    { ...hinted, zones: west, dials: fromA2({ by: ['b1:8080'] }) },
    { ...hinted, dials: fromA2({ by: ['a1:8080', 'b1:8080'] }) },
  ),
  packetCase(
    'a Service with the label headless is left alone although it has an address, and comes back without it',
    ['label headless'],
    {
      services: [service({ labels: { 'service.kubernetes.io/headless': '' } })],
      slices: [slice({ endpoints: ['a1'] })],
      dials: fromA2('timeout'),
    },
    { services: [service()], slices: [slice({ endpoints: ['a1'] })], dials: fromA2({ by: ['a1:8080'] }) },
  ),
  packetCase(
    'a connection lives on when its endpoint leaves the list, and when its Service is deleted',
    ['TCP: connections that are there live on'],
    { ...kept('a1'), dials: staying('a1:8082') },
    {
      ...kept('c1'),
      dials: [...staying('a1:8082'), { from: 'b2', to, socket: 'new', times: 1, expect: { by: ['c1:8082'] } }],
    },
    { ...kept(), dials: [...staying('a1:8082'), { from: 'b2', to, expect: 'refused' }] },
    { services: [], slices: [], dials: [...staying('a1:8082'), { from: 'b2', to, expect: 'timeout' }] },
  ),
  packetCase(
    'a connection lives on when policies change and when proxies start again',
    ['TCP: connections that are there live on'],
    { ...kept('a1'), dials: staying('a1:8082') },
    {
      services: [
        service({
          type: 'NodePort',
          externalTrafficPolicy: 'Local',
          internalTrafficPolicy: 'Local',
          ports: [httpPort({ nodePort })],
        }),
      ],
      slices: [keptSlice('a1')],
      proxiesRestart: true,
      dials: [
        ...staying('a1:8082'),
        { from: 'b2', to, expect: 'timeout' },
        { from: 'host', to: node2Port, expect: 'timeout' },
      ],
    },
  ),
  packetCase(
    'source ranges with an address of the node: the load balancer address that the node has itself may come in, too',
    ['LB-VIP, source ranges: an address of the node'],
    ...[nodes['node-3'].internalIp, hostIp].map((ip) => ({
      services: [balanced({ ingress: [{ ip: boundVip, ipMode: 'VIP' }], loadBalancerSourceRanges: [`${ip}/32`] })],
      slices: [slice({ endpoints: ['a1'] })],
      dials: [
        {
          from: 'node-3' as const,
          to: `${boundVip}:80`,
          expect: ip === hostIp ? ('timeout' as const) : answeredBy(['a1:8080'], nodes['node-3'].internalIp),
        },
      ],
    })),
    { boundVip },
  ),
  packetCase(
    'a range of Service addresses that is added, and removed again',
    ['ServiceCIDR: another range', 'ClusterIP without Service: dropped'],
    {
      services: [],
      slices: [],
      dials: [{ from: 'a1', to: `${inOtherRange}:80`, expect: 'unreachable' }],
    },
    {
      services: [service({ clusterIP: inOtherRange })],
      slices: [slice({ endpoints: ['b1'] })],
      serviceCidrs: [plan.serviceCidr, otherRange],
      dials: [
        { from: 'a1', to: `${inOtherRange}:80`, expect: answeredBy(['b1:8080'], pods.a1.ip) },
        { from: 'a1', to: `${inOtherRange}:81`, expect: 'refused' },
        { from: 'a1', to: '10.97.0.101:80', expect: 'timeout' },
        { from: 'a1', to: '10.96.0.101:80', expect: 'timeout' },
      ],
    },
    {
      services: [],
      slices: [],
      serviceCidrs: [plan.serviceCidr],
      dials: [{ from: 'a1', to: `${inOtherRange}:80`, expect: 'unreachable' }],
    },
    {},
  ),
]
