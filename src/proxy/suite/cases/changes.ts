/** Session affinity, and what must happen when a Service changes under its clients. */
import {
  answeredBy,
  endpoint,
  httpPort,
  nodes,
  packetCase,
  pods,
  service,
  slice,
  udpPort,
  udpSlice,
  vip,
  type ClusterState,
  type PodName,
  type ServiceDraft,
} from '../packet-case.ts'

const to = `${vip}:80`
const nodePort = 30080
const affine = (timeoutSeconds = 60, draft: ServiceDraft = {}) =>
  service({ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds } }, ...draft })
const all = ['a1:8080', 'b1:8080', 'c1:8080'] as const
const stuck = (...by: string[]) => ({ by, sticky: true }) as const
const three = [slice({ endpoints: ['a1', 'b1', 'c1'] })]
const web = (...endpoints: PodName[]): ClusterState => ({ services: [service()], slices: [slice({ endpoints })] })
const dns = (...endpoints: PodName[]): ClusterState => ({
  services: [service({ type: 'NodePort', externalTrafficPolicy: 'Cluster', ports: [udpPort({ nodePort: 30053 })] })],
  slices: [udpSlice({ endpoints })],
})
const names = (...endpointNames: PodName[]) => endpointNames.map((name) => `${name}:8080`)
const udp = (socket: string, target: string, expect: 'refused' | 'timeout' | { by: string[] }) =>
  ({ from: 'a2', to: target, protocol: 'UDP', times: 3, socket, expect }) as const

/** Forty service ports, each with an affinity of its own: chance alone cannot send a free client back to one endpoint. */
const portNumbers = Array.from({ length: 40 }, (_, index) => 1000 + index)
const everyPort = portNumbers.map((port) => `${vip}:${port}`)
const manyPorts = (timeoutSeconds: number, ...endpoints: PodName[]): ClusterState => ({
  services: [affine(timeoutSeconds, { ports: portNumbers.map((port) => httpPort({ name: `p${port}`, port })) })],
  slices: [
    slice({
      endpoints,
      ports: portNumbers.map((port) => ({ name: `p${port}`, port: 8080, protocol: 'TCP' as const })),
    }),
  ],
})

export const changeCases = [
  packetCase('a client stays with its endpoint', ['affinity: sticks'], {
    services: [affine()],
    slices: three,
    dials: (['a2', 'b2', 'node-1', 'host'] as const).map((party) => ({ from: party, to, expect: stuck(...all) })),
  }),
  packetCase('an endpoint that sticks to itself', ['affinity: sticks', 'hairpin'], {
    services: [affine()],
    slices: [slice({ endpoints: ['a1'] })],
    dials: [{ from: 'a1', to, expect: stuck('a1:8080') }],
  }),
  packetCase('UDP clients stick, too', ['affinity: sticks', 'UDP'], {
    services: [affine(60, { ports: [udpPort()] })],
    slices: [udpSlice({ endpoints: ['a1', 'b1', 'c1'] })],
    dials: [{ from: 'a2', to: `${vip}:53`, protocol: 'UDP', expect: stuck(...all) }],
  }),
  packetCase('the default time-out applies', ['affinity: sticks'], {
    services: [service({ sessionAffinity: 'ClientIP' })],
    slices: three,
    dials: [{ from: 'a2', to, expect: stuck(...all) }],
  }),
  packetCase(
    'when its endpoint goes the client moves to another and stays there',
    ['affinity: endpoint gone'],
    {
      services: [affine()],
      slices: [slice({ endpoints: ['a1'] })],
      dials: [{ from: 'a2', to, times: 3, expect: stuck('a1:8080') }],
    },
    {
      services: [affine()],
      slices: [slice({ endpoints: ['b1', 'c1'] })],
      dials: [{ from: 'a2', to, expect: stuck('b1:8080', 'c1:8080') }],
    },
  ),
  packetCase(
    'a new endpoint takes no client from the old one',
    ['affinity: sticks', 'endpoint replaced, added, removed'],
    {
      services: [affine()],
      slices: [slice({ endpoints: ['c1'] })],
      dials: [{ from: 'a2', to, times: 3, expect: stuck('c1:8080') }],
    },
    {
      services: [affine()],
      slices: [slice({ endpoints: ['a1', 'b1', 'c1'] })],
      dials: [{ from: 'a2', to, expect: stuck('c1:8080') }],
    },
  ),
  packetCase(
    'one client, ClusterIP and node port: one endpoint',
    ['affinity: over ClusterIP and NodePort'],
    {
      services: [affine(60, { type: 'NodePort', externalTrafficPolicy: 'Cluster', ports: [httpPort({ nodePort })] })],
      slices: [slice({ endpoints: ['b1'] })],
      dials: [{ from: 'a2', to, times: 3, expect: stuck('b1:8080') }],
    },
    {
      services: [affine(60, { type: 'NodePort', externalTrafficPolicy: 'Cluster', ports: [httpPort({ nodePort })] })],
      slices: three,
      dials: [
        {
          from: 'a2',
          to: `${nodes['node-1'].internalIp}:${nodePort}`,
          expect: { ...stuck('b1:8080'), seenAs: nodes['node-1'].internalIp },
        },
      ],
    },
  ),
  packetCase('affinity from outside through a node port, masqueraded', ['affinity: sticks'], {
    services: [affine(60, { type: 'NodePort', externalTrafficPolicy: 'Cluster', ports: [httpPort({ nodePort })] })],
    slices: three,
    dials: [
      {
        from: 'host',
        to: `${nodes['node-2'].internalIp}:${nodePort}`,
        expect: { ...stuck(...all), seenAs: nodes['node-2'].internalIp },
      },
    ],
  }),
  packetCase(
    'affinity with policy Local stays on the node',
    ['affinity: sticks', 'NodePort, Local, L: outside, source kept'],
    {
      services: [affine(60, { type: 'NodePort', externalTrafficPolicy: 'Local', ports: [httpPort({ nodePort })] })],
      slices: [slice({ endpoints: ['a1', 'a2', 'b1'] })],
      dials: [
        {
          from: 'host',
          to: `${nodes['node-1'].internalIp}:${nodePort}`,
          expect: { ...stuck('a1:8080', 'a2:8080'), seenAs: '172.30.0.2' },
        },
      ],
    },
  ),
  packetCase(
    'a client that stays away for longer than the time-out is free again',
    ['affinity: expires'],
    { ...manyPorts(1, 'b1'), dials: [{ from: 'a2', to: everyPort, expect: { by: names('b1') } }] },
    { ...manyPorts(1, 'b1', 'a1', 'c1'), dials: [{ from: 'a2', to: everyPort, expect: { by: names('b1') } }] },
    {
      ...manyPorts(1, 'b1', 'a1', 'c1'),
      idleMs: 1_500,
      dials: [{ from: 'a2', to: everyPort, expect: { by: names('b1', 'a1', 'c1') } }],
    },
  ),
  packetCase(
    'a client that comes back in time, again and again, stays for longer than the time-out',
    ['affinity: each connection starts the time anew'],
    { ...manyPorts(2, 'b1'), dials: [{ from: 'a2', to: everyPort, expect: { by: names('b1') } }] },
    ...[1, 2].map(() => ({
      ...manyPorts(2, 'b1', 'a1', 'c1'),
      idleMs: 1_200,
      dials: [{ from: 'a2' as const, to: everyPort, expect: { by: names('b1') } }],
    })),
  ),
  packetCase(
    'affinity switched on and off',
    ['affinity: switched on and off'],
    { services: [service()], slices: three, dials: [{ from: 'a2', to, expect: { by: [...all] } }] },
    { services: [affine()], slices: three, dials: [{ from: 'a2', to, expect: stuck(...all) }] },
    { services: [affine(30)], slices: three, dials: [{ from: 'a2', to, expect: stuck(...all) }] },
    { services: [service()], slices: three, dials: [{ from: 'a2', to, expect: { by: [...all] } }] },
  ),
  packetCase(
    'endpoints come, go and are replaced',
    ['endpoint replaced, added, removed'],
    { ...web('a1'), dials: [{ from: 'a2', to, expect: { by: names('a1') } }] },
    { ...web('a1', 'b1', 'c1'), dials: [{ from: 'a2', to, expect: { by: names('a1', 'b1', 'c1') } }] },
    { ...web('b1', 'c1'), dials: [{ from: 'a2', to, expect: { by: names('b1', 'c1') } }] },
    { ...web('c1', 'a1'), dials: [{ from: 'a2', to, expect: { by: names('c1', 'a1') } }] },
    { ...web(), dials: [{ from: 'a2', to, expect: 'refused' }] },
    { ...web('b2'), dials: [{ from: 'a2', to, expect: { by: names('b2') } }] },
  ),
  packetCase(
    'a port renamed in one change',
    ['port renamed'],
    { ...web('a1'), dials: [{ from: 'a2', to, expect: { by: names('a1') } }] },
    {
      services: [service({ ports: [httpPort({ name: 'web' })] })],
      slices: [slice({ endpoints: ['b1'], ports: [{ name: 'web', port: 8080, protocol: 'TCP' }] })],
      dials: [{ from: 'a2', to, expect: { by: names('b1') } }],
    },
  ),
  packetCase(
    'a port number changed',
    ['port renamed', 'undefined port of a used ClusterIP: refused'],
    { ...web('a1'), dials: [{ from: 'a2', to, expect: { by: names('a1') } }] },
    {
      services: [service({ ports: [httpPort({ port: 8000 })] })],
      slices: [slice({ endpoints: ['a1'] })],
      dials: [
        { from: 'a2', to: `${vip}:8000`, expect: answeredBy(names('a1'), pods.a2.ip) },
        { from: 'a2', to, expect: 'refused' },
      ],
    },
  ),
  packetCase(
    'a Service deleted and made again',
    ['ClusterIP without Service: dropped'],
    { ...web('a1'), dials: [{ from: 'a2', to, expect: { by: names('a1') } }] },
    { services: [], slices: [], dials: [{ from: 'a2', to, expect: 'timeout' }] },
    { ...web('b1'), dials: [{ from: 'a2', to, expect: { by: names('b1') } }] },
  ),
  packetCase(
    'a UDP client that keeps its port follows when its endpoint goes',
    ['UDP: flow of a removed endpoint'],
    {
      ...dns('a1'),
      dials: [
        udp('s', `${vip}:53`, { by: names('a1') }),
        udp('n', `${nodes['node-2'].internalIp}:30053`, { by: names('a1') }),
      ],
    },
    {
      ...dns('b1'),
      dials: [
        udp('s', `${vip}:53`, { by: names('b1') }),
        udp('n', `${nodes['node-2'].internalIp}:30053`, { by: names('b1') }),
      ],
    },
  ),
  packetCase(
    'a UDP client stays while its endpoint serves',
    ['UDP'],
    { ...dns('a1'), dials: [udp('s', `${vip}:53`, { by: names('a1') })] },
    { ...dns('a1', 'b1', 'c1'), dials: [udp('s', `${vip}:53`, { by: names('a1') })] },
    {
      ...dns(),
      slices: [udpSlice({ endpoints: [endpoint('a1', 'draining'), 'b1'] })],
      dials: [udp('s', `${vip}:53`, { by: names('a1') })],
    },
  ),
  packetCase(
    'a UDP client is refused when the last endpoint goes',
    ['UDP: flow without endpoints left'],
    { ...dns('a1'), dials: [udp('s', `${vip}:53`, { by: names('a1') })] },
    { ...dns(), dials: [udp('s', `${vip}:53`, 'refused')] },
  ),
  packetCase(
    'a UDP client gets nothing when the Service is deleted',
    ['UDP: flow of a deleted Service'],
    { ...dns('a1'), dials: [udp('s', `${vip}:53`, { by: names('a1') })] },
    { services: [], slices: [], dials: [udp('s', `${vip}:53`, 'timeout')] },
  ),
  packetCase(
    'a UDP client that was there before the Service gets through',
    ['UDP: flow from before the first endpoint'],
    { services: [], slices: [], dials: [udp('s', `${vip}:53`, 'timeout')] },
    { ...dns('b1'), dials: [udp('s', `${vip}:53`, { by: names('b1') })] },
  ),
  packetCase(
    'a UDP client of a service that becomes local only leaves the other node',
    ['UDP: flow and policy Local'],
    { ...dns('b1'), dials: [udp('s', `${vip}:53`, { by: names('b1') })] },
    {
      // Flows to an endpoint that serves go on, whatever the policy says now; when it goes they are dropped.
      services: [service({ internalTrafficPolicy: 'Local', ports: [udpPort()] })],
      slices: [udpSlice({ endpoints: ['b1'] })],
      dials: [udp('s', `${vip}:53`, { by: names('b1') }), udp('fresh', `${vip}:53`, 'timeout')],
    },
    {
      services: [service({ internalTrafficPolicy: 'Local', ports: [udpPort()] })],
      slices: [udpSlice({ endpoints: ['c1'] })],
      dials: [udp('s', `${vip}:53`, 'timeout')],
    },
    {
      services: [service({ internalTrafficPolicy: 'Local', ports: [udpPort()] })],
      slices: [udpSlice({ endpoints: ['a1', 'c1'] })],
      dials: [udp('s', `${vip}:53`, { by: names('a1') }), udp('fresh', `${vip}:53`, { by: names('a1') })],
    },
  ),
  packetCase(
    'a UDP client of a node port with policy Local follows the endpoints of that node',
    ['UDP: flow and policy Local'],
    {
      services: [service({ type: 'NodePort', externalTrafficPolicy: 'Local', ports: [udpPort({ nodePort: 30053 })] })],
      slices: [udpSlice({ endpoints: ['b1', 'a1'] })],
      dials: [{ ...udp('n', `${nodes['node-2'].internalIp}:30053`, { by: names('b1') }), from: 'host' }],
    },
    {
      services: [service({ type: 'NodePort', externalTrafficPolicy: 'Local', ports: [udpPort({ nodePort: 30053 })] })],
      slices: [udpSlice({ endpoints: ['a1'] })],
      dials: [{ ...udp('n', `${nodes['node-2'].internalIp}:30053`, 'timeout'), from: 'host' }],
    },
  ),
  packetCase(
    'a proxy that was away finds UDP flows of endpoints that went meanwhile',
    ['UDP: flow and proxy restart'],
    { ...dns('a1'), dials: [udp('s', `${vip}:53`, { by: names('a1') })] },
    { ...dns('b1'), proxiesRestart: true, dials: [udp('s', `${vip}:53`, { by: names('b1') })] },
  ),
  packetCase(
    'a proxy that was away finds UDP flows of a Service that went meanwhile',
    ['UDP: flow and proxy restart', 'UDP: flow of a deleted Service'],
    { ...dns('a1'), dials: [udp('s', `${vip}:53`, { by: names('a1') })] },
    { services: [], slices: [], proxiesRestart: true, dials: [udp('s', `${vip}:53`, 'timeout')] },
  ),
  packetCase(
    'a proxy that starts again leaves UDP flows of serving endpoints alone',
    ['UDP: flow and proxy restart'],
    { ...dns('c1'), dials: [udp('s', `${vip}:53`, { by: names('c1') })] },
    { ...dns('a1', 'b1', 'c1'), proxiesRestart: true, dials: [udp('s', `${vip}:53`, { by: names('c1') })] },
  ),
  packetCase(
    'a UDP client follows when its endpoint answers at another port',
    ['UDP: target port changes'],
    {
      ...dns('a1'),
      dials: [
        udp('s', `${vip}:53`, { by: names('a1') }),
        udp('n', `${nodes['node-2'].internalIp}:30053`, { by: names('a1') }),
      ],
    },
    {
      ...dns(),
      slices: [slice({ endpoints: ['a1'], ports: [{ name: 'dns', port: 8081, protocol: 'UDP' }] })],
      dials: [
        udp('s', `${vip}:53`, { by: ['a1:8081'] }),
        udp('n', `${nodes['node-2'].internalIp}:30053`, { by: ['a1:8081'] }),
      ],
    },
  ),
  packetCase(
    'a UDP client that was refused while nobody was ready is served when somebody is',
    ['UDP: flow from before the first endpoint'],
    {
      ...dns(),
      slices: [udpSlice({ endpoints: [endpoint('b1', 'notReady')] })],
      dials: [
        udp('s', `${vip}:53`, 'refused'),
        { ...udp('n', `${nodes['node-2'].internalIp}:30053`, 'refused'), from: 'host' },
      ],
    },
    {
      ...dns('b1'),
      dials: [
        udp('s', `${vip}:53`, { by: names('b1') }),
        { ...udp('n', `${nodes['node-2'].internalIp}:30053`, { by: names('b1') }), from: 'host' },
      ],
    },
  ),
  packetCase(
    'a UDP client in the network of its node follows when its endpoint goes',
    ['UDP: flow of a removed endpoint'],
    { ...dns('a1'), dials: [{ ...udp('s', `${vip}:53`, { by: names('a1') }), from: 'node-1' }] },
    { ...dns('b1'), dials: [{ ...udp('s', `${vip}:53`, { by: names('b1') }), from: 'node-1' }] },
    { ...dns('b1', 'c1'), dials: [{ ...udp('s', `${vip}:53`, { by: names('b1') }), from: 'node-1' }] },
  ),
  packetCase(
    'a UDP client of a node port is refused when the last endpoint goes, and served again when one returns',
    ['UDP: flow without endpoints left'],
    { ...dns('a1'), dials: [udp('n', `${nodes['node-2'].internalIp}:30053`, { by: names('a1') })] },
    { ...dns(), dials: [udp('n', `${nodes['node-2'].internalIp}:30053`, 'refused')] },
    { ...dns('b1'), dials: [udp('n', `${nodes['node-2'].internalIp}:30053`, { by: names('b1') })] },
  ),
]
