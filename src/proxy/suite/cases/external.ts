/** External IPs and load balancer addresses. */
import {
  answeredBy,
  hostIp,
  httpPort,
  nodes,
  packetCase,
  pods,
  service,
  slice,
  vip,
  otherVip,
  type ClusterState,
  type ServiceDraft,
} from '../packet-case.ts'

// Inside the Service range, so that the host has a route: by node-1.
const external = '10.96.200.1'
const to = `${external}:80`
const all = ['a1:8080', 'b1:8080']
const node1 = nodes['node-1'].internalIp
const endpoints = [slice({ endpoints: ['a1', 'b1'] })]
const none = [slice({ endpoints: [] })]
const externalIp = (draft: ServiceDraft = {}) =>
  service({ externalIPs: [external], externalTrafficPolicy: 'Cluster', ...draft })
const balanced = (draft: ServiceDraft = {}) =>
  service({
    type: 'LoadBalancer',
    externalTrafficPolicy: 'Cluster',
    ingress: [{ ip: external, ipMode: 'VIP' }],
    ports: [httpPort({ nodePort: 30080 })],
    ...draft,
  })
const state = (one: ReturnType<typeof service>, slices = endpoints): ClusterState => ({ services: [one], slices })

export const externalCases = [
  packetCase('an external IP works from pods, nodes and outside', ['externalIP, Cluster'], {
    ...state(externalIp()),
    dials: [
      { from: 'a2', to, expect: answeredBy(all, node1) },
      { from: 'node-3', to, expect: { by: all } },
      { from: 'host', to, expect: answeredBy(all, node1) },
    ],
  }),
  packetCase('an external IP with policy Local', ['externalIP, Local'], {
    ...state(externalIp({ externalTrafficPolicy: 'Local' })),
    dials: [
      { from: 'host', to, expect: answeredBy(['a1:8080'], hostIp) },
      { from: 'c1', to, expect: answeredBy(all, pods.c1.ip) },
    ],
  }),
  packetCase('an external IP without endpoints is refused', ['externalIP, none: refused'], {
    ...state(externalIp(), none),
    dials: [
      { from: 'host', to, expect: 'refused' },
      { from: 'a1', to, expect: 'refused' },
      { from: 'node-1', to, expect: 'refused' },
    ],
  }),
  packetCase(
    'two Services claim one external IP and port: one answers, and hands over when it goes',
    ['two Services, one externalIP and port'],
    {
      services: [externalIp({ name: 'web' }), externalIp({ name: 'api', clusterIP: otherVip })],
      slices: [slice({ endpoints: ['a1'] }), slice({ service: 'api', endpoints: ['b1'] })],
      dials: [{ from: 'host', to, expect: { by: ['a1:8080', 'b1:8080'], sticky: true } }],
    },
    {
      services: [externalIp({ name: 'api', clusterIP: otherVip })],
      slices: [slice({ service: 'api', endpoints: ['b1'] })],
      dials: [
        { from: 'host', to, expect: { by: ['b1:8080'] } },
        { from: 'a1', to: `${vip}:80`, expect: 'timeout' },
      ],
    },
  ),
  packetCase('a load balancer address works from pods and outside', ['LB-VIP, Cluster'], {
    ...state(balanced()),
    dials: [
      { from: 'a2', to, expect: answeredBy(all, node1) },
      { from: 'host', to, expect: answeredBy(all, node1) },
      { from: 'host', to: `${node1}:30080`, expect: { by: all } },
    ],
  }),
  packetCase('a load balancer address with policy Local', ['LB-VIP, Local'], {
    ...state(balanced({ externalTrafficPolicy: 'Local', healthCheckNodePort: 31000 })),
    dials: [
      { from: 'host', to, expect: answeredBy(['a1:8080'], hostIp) },
      { from: 'c1', to, expect: answeredBy(all, pods.c1.ip) },
      { from: 'node-3', to, expect: { by: all } },
    ],
  }),
  packetCase(
    'policy Local without local endpoint: pods of the node still get through, outside is dropped',
    ['LB-VIP, Local', 'trap: short circuit'],
    {
      ...state(balanced({ externalTrafficPolicy: 'Local' }), [slice({ endpoints: ['b1'] })]),
      dials: [
        { from: 'a1', to, expect: answeredBy(['b1:8080'], pods.a1.ip) },
        { from: 'host', to, expect: 'timeout' },
      ],
    },
  ),
  packetCase('a load balancer address without endpoints is refused', ['LB-VIP, none: refused'], {
    ...state(balanced(), none),
    dials: [
      { from: 'host', to, expect: 'refused' },
      { from: 'a1', to, expect: 'refused' },
    ],
  }),
  packetCase(
    'source ranges let in only their own; node ports stay open',
    ['LB-VIP, source ranges: dropped outside them'],
    {
      ...state(balanced({ loadBalancerSourceRanges: [`${hostIp}/32`, '10.244.1.0/24', '10.244.1.0/28'] })),
      dials: [
        { from: 'host', to, expect: { by: all } },
        { from: 'a2', to, expect: { by: all } },
        { from: 'b2', to, expect: 'timeout' },
        { from: 'node-2', to, expect: 'timeout' },
        { from: 'b2', to: `${vip}:80`, expect: { by: all } },
        { from: 'b2', to: `${nodes['node-2'].internalIp}:30080`, expect: { by: all } },
      ],
    },
  ),
  packetCase(
    'source ranges that change, and end',
    ['LB-VIP, source ranges: dropped outside them', 'LB-VIP, source ranges: everybody'],
    {
      ...state(balanced({ loadBalancerSourceRanges: ['10.244.2.0/24'] })),
      dials: [
        { from: 'host', to, expect: 'timeout' },
        { from: 'b2', to, expect: { by: all } },
      ],
    },
    {
      ...state(balanced({ loadBalancerSourceRanges: ['172.30.0.0/24'] })),
      dials: [
        { from: 'host', to, expect: { by: all } },
        { from: 'b2', to, expect: 'timeout' },
      ],
    },
    {
      ...state(balanced({ loadBalancerSourceRanges: ['0.0.0.0/0', '10.1.0.0/16'] })),
      dials: [{ from: 'b2', to, expect: { by: all } }],
    },
  ),
  packetCase(
    'source ranges count before the missing endpoints',
    ['LB-VIP, source ranges, none: dropped outside them, refused inside'],
    {
      ...state(balanced({ loadBalancerSourceRanges: ['172.30.0.0/24'] }), none),
      dials: [
        { from: 'host', to, expect: 'refused' },
        { from: 'b2', to, expect: 'timeout' },
      ],
    },
    {
      ...state(balanced({ loadBalancerSourceRanges: ['172.30.0.0/24'] })),
      dials: [
        { from: 'host', to, expect: { by: all } },
        { from: 'b2', to, expect: 'timeout' },
      ],
    },
  ),
  packetCase('mode Proxy: the address is left to the load balancer', ['LB IP, mode Proxy: nothing'], {
    ...state(balanced({ ingress: [{ ip: external, ipMode: 'Proxy' }] })),
    dials: [
      { from: 'a1', to, expect: 'timeout' },
      { from: 'a1', to: `${vip}:80`, expect: { by: all } },
    ],
  }),
]
