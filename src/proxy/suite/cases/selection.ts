/** What of the objects counts: addresses, ports, labels, hints, and for which front ends. */
import {
  answeredBy,
  endpoint,
  from,
  hostIp,
  httpPort,
  nodes,
  packetCase,
  pods,
  service,
  slice,
  udpPort,
  udpSlice,
  vip,
  type PacketCase,
} from '../packet-case.ts'

const to = `${vip}:80`
const node1 = nodes['node-1'].internalIp
const nodePort = 30080
const external = '10.96.200.1'
const otherExternal = '10.96.200.2'
const forZone = (name: string) => ({ hints: { forZones: [{ name }] } })

export const selectionCases: readonly PacketCase[] = [
  packetCase(
    'slices of another proxy and of a headless Service count for nothing',
    ['slice: label service-proxy-name', 'slice: label headless'],
    {
      services: [service()],
      slices: [
        slice({ endpoints: ['a1'] }),
        slice({ name: 'b', endpoints: ['b1'], labels: { 'service.kubernetes.io/service-proxy-name': '' } }),
        slice({ name: 'c', endpoints: ['c1'], labels: { 'service.kubernetes.io/headless': '' } }),
      ],
      dials: [{ from: 'a2', to, expect: { by: ['a1:8080'] } }],
    },
  ),
  packetCase('slices of names, and of port 0, count for nothing', ['slice: other address type', 'endpoints: port 0'], {
    services: [service()],
    slices: [
      slice({ endpoints: ['a1'] }),
      { ...slice({ name: 'b', endpoints: ['b1'] }), addressType: 'FQDN' },
      slice({ name: 'c', endpoints: ['c1'], ports: [{ name: 'http', port: 0, protocol: 'TCP' }] }),
    ],
    dials: [{ from: 'a2', to, expect: { by: ['a1:8080'] } }],
  }),
  packetCase('of an endpoint with two addresses the first counts', ['endpoints: first address alone'], {
    services: [service()],
    slices: [slice({ endpoints: [endpoint('a1', 'ready', { addresses: [pods.a1.ip, pods.b1.ip] })] })],
    dials: [{ from: 'a2', to, expect: { by: ['a1:8080'] } }],
  }),
  packetCase('an endpoint is local where it names the node', ['local: by the node that the endpoint names'], {
    services: [service({ internalTrafficPolicy: 'Local' })],
    slices: [slice({ endpoints: [endpoint('a1', 'ready', { nodeName: 'node-2' })] })],
    dials: [
      { from: 'a2', to, expect: 'timeout' },
      { from: 'b2', to, expect: answeredBy(['a1:8080'], pods.b2.ip) },
    ],
  }),
  packetCase('endpoints that are not ready have no say about hints', ['topology: ready endpoints only'], {
    services: [service()],
    slices: [
      slice({
        endpoints: [
          endpoint('b1', 'ready', forZone('east')),
          endpoint('c1', 'ready', forZone('west')),
          endpoint('a1', 'draining'),
        ],
      }),
    ],
    zones: { 'node-1': 'east', 'node-2': 'west', 'node-3': 'west' },
    dials: [{ from: 'a2', to, expect: { by: ['b1:8080'] } }],
  }),
  packetCase(
    'a load balancer by name alone adds nothing; an address without a mode is served',
    ['LB host name: nothing', 'LB-VIP: without ipMode'],
    ...[[{ hostname: 'lb.example' }], [{ hostname: 'lb.example' }, { ip: external }]].map((ingress) => ({
      services: [service({ type: 'LoadBalancer' as const, externalTrafficPolicy: 'Cluster' as const, ingress })],
      slices: [slice({ endpoints: ['a1'] })],
      dials: from(['b2', 'host'], {
        to: `${external}:80`,
        expect: ingress.length === 1 ? ('timeout' as const) : { by: ['a1:8080'] },
      }),
    })),
  ),
  packetCase(
    'source ranges do not concern external IPs and node ports',
    ['LB-VIP, source ranges: no other front end'],
    {
      services: [
        service({
          type: 'LoadBalancer',
          externalTrafficPolicy: 'Cluster',
          ingress: [{ ip: external, ipMode: 'VIP' }],
          externalIPs: [otherExternal],
          loadBalancerSourceRanges: [`${hostIp}/32`],
          ports: [httpPort({ nodePort })],
        }),
      ],
      slices: [slice({ endpoints: ['a1'] })],
      dials: [
        { from: 'a2', to: `${external}:80`, expect: 'timeout' },
        { from: 'host', to: `${external}:80`, expect: { by: ['a1:8080'] } },
        { from: 'a2', to: `${otherExternal}:80`, expect: { by: ['a1:8080'] } },
        { from: 'a2', to: `${node1}:${nodePort}`, expect: { by: ['a1:8080'] } },
      ],
    },
  ),
  packetCase(
    'one node port number for TCP and UDP; UDP goes, TCP stays',
    ['NodePort: TCP and UDP on one number'],
    {
      services: [
        service({
          type: 'NodePort',
          externalTrafficPolicy: 'Cluster',
          ports: [httpPort({ nodePort }), udpPort({ nodePort })],
        }),
      ],
      slices: [slice({ endpoints: ['a1'] }), udpSlice({ name: 'web-2', endpoints: ['b1'] })],
      dials: [
        { from: 'host', to: `${node1}:${nodePort}`, expect: { by: ['a1:8080'] } },
        { from: 'host', to: `${node1}:${nodePort}`, protocol: 'UDP', expect: { by: ['b1:8080'] } },
      ],
    },
    {
      services: [service({ type: 'NodePort', externalTrafficPolicy: 'Cluster', ports: [httpPort({ nodePort })] })],
      slices: [slice({ endpoints: ['a1'] })],
      dials: [
        { from: 'host', to: `${node1}:${nodePort}`, expect: { by: ['a1:8080'] } },
        { from: 'host', to: `${node1}:${nodePort}`, protocol: 'UDP', expect: 'refused' },
      ],
    },
  ),
  packetCase('other ports of a node stay open', ['node: its own ports stay open'], {
    services: [service({ type: 'NodePort', externalTrafficPolicy: 'Local', ports: [httpPort({ nodePort })] })],
    slices: [slice({ endpoints: ['b1'] })],
    dials: [
      { from: 'host', to: `${node1}:9090`, expect: answeredBy(['node-1:9090'], hostIp) },
      { from: 'a2', to: `${node1}:9090`, expect: { by: ['node-1:9090'] } },
    ],
  }),
  packetCase(
    'policy Local and affinity at 127.0.0.1: the node itself reaches everybody, and stays where it was',
    ['127.0.0.1: policy and affinity'],
    {
      services: [
        service({
          type: 'NodePort',
          externalTrafficPolicy: 'Local',
          sessionAffinity: 'ClientIP',
          ports: [httpPort({ nodePort })],
        }),
      ],
      slices: [slice({ endpoints: ['b1', 'c1'] })],
      dials: [{ from: 'node-1', to: `127.0.0.1:${nodePort}`, expect: { by: ['b1:8080', 'c1:8080'], sticky: true } }],
    },
  ),
]
