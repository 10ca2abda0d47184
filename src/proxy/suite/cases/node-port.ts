/** Connections to node ports, and traffic policies. */
import {
  answeredBy,
  endpoint,
  from,
  httpPort,
  hostIp,
  nodeNames,
  nodes,
  packetCase,
  pods,
  service,
  slice,
  udpPort,
  udpSlice,
  vip,
  type ClusterState,
  type ServiceDraft,
} from '../packet-case.ts'

const nodePort = 30080
const at = (node: keyof typeof nodes, port = nodePort) => `${nodes[node].internalIp}:${port}`
const all = ['a1:8080', 'b1:8080', 'c1:8080']
const exposed = (draft: ServiceDraft = {}) =>
  service({ type: 'NodePort', externalTrafficPolicy: 'Cluster', ports: [httpPort({ nodePort })], ...draft })
const web: ClusterState = { services: [exposed()], slices: [slice({ endpoints: ['a1', 'b1', 'c1'] })] }
const local = (...endpoints: Parameters<typeof slice>[0]['endpoints']): ClusterState => ({
  services: [exposed({ externalTrafficPolicy: 'Local' })],
  slices: [slice({ endpoints })],
})

export const nodePortCases = [
  packetCase('from outside every node answers for every endpoint', ['NodePort, Cluster, ready: outside'], {
    ...web,
    dials: nodeNames.map((node) => ({
      from: 'host' as const,
      to: at(node),
      expect: answeredBy(all, nodes[node].internalIp),
    })),
  }),
  packetCase('from a pod, by its own node and by another', ['NodePort, Cluster, ready: pod'], {
    ...web,
    dials: [
      { from: 'a2', to: at('node-1'), expect: { by: all } },
      { from: 'a2', to: at('node-2'), expect: answeredBy(all, nodes['node-2'].internalIp) },
    ],
  }),
  packetCase('from a node, by its own address and another', ['NodePort, Cluster, ready: node'], {
    ...web,
    dials: [
      { from: 'node-1', to: at('node-1'), expect: { by: all } },
      { from: 'node-1', to: at('node-3'), expect: answeredBy(all, nodes['node-3'].internalIp) },
    ],
  }),
  packetCase('on 127.0.0.1 of the node', ['NodePort, Cluster, ready: 127.0.0.1'], {
    ...web,
    dials: from(['node-1', 'node-2'], { to: `127.0.0.1:${nodePort}`, expect: { by: all } }),
  }),
  packetCase('UDP: from outside, a pod and 127.0.0.1', ['NodePort, Cluster, ready: 127.0.0.1', 'UDP'], {
    services: [exposed({ ports: [udpPort({ nodePort: 30053 })] })],
    slices: [udpSlice({ endpoints: ['a1', 'b1'] })],
    dials: [
      {
        from: 'host',
        to: at('node-3', 30053),
        protocol: 'UDP',
        expect: answeredBy(['a1:8080', 'b1:8080'], nodes['node-3'].internalIp),
      },
      { from: 'c1', to: at('node-3', 30053), protocol: 'UDP', expect: { by: ['a1:8080', 'b1:8080'] } },
      { from: 'node-1', to: '127.0.0.1:30053', protocol: 'UDP', expect: { by: ['a1:8080', 'b1:8080'] } },
    ],
  }),
  packetCase('without endpoints: refused at once', ['NodePort, none: refused'], {
    services: [exposed()],
    slices: [slice({ endpoints: [] })],
    dials: [
      { from: 'host', to: at('node-1'), expect: 'refused' },
      { from: 'a1', to: at('node-1'), expect: 'refused' },
      { from: 'a1', to: at('node-2'), expect: 'refused' },
      { from: 'node-1', to: `127.0.0.1:${nodePort}`, expect: 'refused' },
    ],
  }),
  packetCase('UDP without endpoints: refused at once', ['NodePort, none: refused'], {
    services: [exposed({ ports: [udpPort({ nodePort: 30053 })] })],
    slices: [],
    dials: from(['host', 'a1'], { to: at('node-1', 30053), protocol: 'UDP', expect: 'refused' }),
  }),
  packetCase('the ClusterIP of a NodePort Service answers, too', ['ClusterIP, Cluster, ready: pod'], {
    ...web,
    dials: [{ from: 'b2', to: `${vip}:80`, expect: answeredBy(all, pods.b2.ip) }],
  }),
  packetCase('a node port is no port of the ClusterIP', ['undefined port of a used ClusterIP: refused'], {
    ...web,
    dials: [{ from: 'a1', to: `${vip}:${nodePort}`, expect: 'refused' }],
  }),
  packetCase(
    'type back to ClusterIP closes the node port',
    ['NodePort, none: refused'],
    { ...web, dials: [{ from: 'host', to: at('node-1'), expect: { by: all } }] },
    {
      services: [service()],
      slices: web.slices,
      dials: [
        { from: 'host', to: at('node-1'), expect: 'refused' },
        { from: 'a1', to: `${vip}:80`, expect: { by: all } },
      ],
    },
  ),
  packetCase(
    'policy Local: outside reaches local endpoints only and keeps its address',
    ['NodePort, Local, L: outside, source kept'],
    {
      ...local('a1', 'a2', 'b1'),
      dials: [
        { from: 'host', to: at('node-1'), expect: answeredBy(['a1:8080', 'a2:8080'], hostIp) },
        { from: 'host', to: at('node-2'), expect: answeredBy(['b1:8080'], hostIp) },
      ],
    },
  ),
  packetCase(
    'policy Local: a node without endpoints drops what comes from outside',
    ['NodePort, Local, L empty: outside, dropped'],
    {
      ...local('a1'),
      dials: [
        { from: 'host', to: at('node-2'), expect: 'timeout' },
        { from: 'a1', to: at('node-2'), expect: 'timeout' },
        { from: 'node-1', to: at('node-2'), expect: 'timeout' },
      ],
    },
  ),
  packetCase(
    'policy Local: pods of the node reach everybody, source kept',
    ['NodePort, Local: pod of the node, short circuit'],
    {
      ...local('b1', 'c1'),
      dials: [{ from: 'a1', to: at('node-1'), expect: answeredBy(['b1:8080', 'c1:8080'], pods.a1.ip) }],
    },
  ),
  packetCase('policy Local: the node itself reaches everybody', ['NodePort, Local: node, masqueraded'], {
    ...local('b1', 'c1'),
    dials: [
      { from: 'node-1', to: at('node-1'), expect: answeredBy(['b1:8080', 'c1:8080'], nodes['node-1'].internalIp) },
      { from: 'node-1', to: `127.0.0.1:${nodePort}`, expect: { by: ['b1:8080', 'c1:8080'] } },
    ],
  }),
  packetCase('policy Local without any endpoint: refused', ['NodePort, none: refused'], {
    ...local(),
    dials: [
      { from: 'host', to: at('node-1'), expect: 'refused' },
      { from: 'a1', to: at('node-1'), expect: 'refused' },
    ],
  }),
  packetCase(
    'policy Local: a draining local endpoint serves while no local one is ready',
    [
      'NodePort, Local, L: outside, source kept',
      'list L: draining only without ready ones here',
      'trap: only draining ones here',
    ],
    {
      ...local(endpoint('a1', 'draining'), 'b1'),
      dials: [
        { from: 'host', to: at('node-1'), expect: answeredBy(['a1:8080'], hostIp) },
        { from: 'a2', to: at('node-1'), expect: { by: ['b1:8080'] } },
      ],
    },
  ),
  packetCase('policy Local ignores topology', ['list L: no topology', 'NodePort, Local, L: outside, source kept'], {
    ...local(
      endpoint('a1', 'ready', { hints: { forNodes: [{ name: 'node-2' }] } }),
      endpoint('b1', 'ready', { hints: { forNodes: [{ name: 'node-1' }] } }),
    ),
    dials: [
      { from: 'host', to: at('node-1'), expect: { by: ['a1:8080'] } },
      { from: 'a2', to: `${vip}:80`, expect: { by: ['b1:8080'] } },
    ],
  }),
  packetCase(
    'policy switched from Cluster to Local and back',
    ['NodePort, Local, L empty: outside, dropped', 'NodePort, Cluster, ready: outside'],
    {
      ...web,
      slices: [slice({ endpoints: ['b1'] })],
      dials: [{ from: 'host', to: at('node-1'), expect: { by: ['b1:8080'] } }],
    },
    { ...local('b1'), dials: [{ from: 'host', to: at('node-1'), expect: 'timeout' }] },
    {
      ...web,
      slices: [slice({ endpoints: ['b1'] })],
      dials: [{ from: 'host', to: at('node-1'), expect: { by: ['b1:8080'] } }],
    },
  ),
  packetCase('internal policy Local: only endpoints of the node', ['ClusterIP, Local, L: local only'], {
    services: [service({ internalTrafficPolicy: 'Local' })],
    slices: [slice({ endpoints: ['a1', 'a2', 'b1'] })],
    dials: [
      { from: 'a2', to: `${vip}:80`, expect: { by: ['a1:8080', 'a2:8080'] } },
      { from: 'node-1', to: `${vip}:80`, expect: { by: ['a1:8080', 'a2:8080'] } },
      { from: 'b2', to: `${vip}:80`, expect: answeredBy(['b1:8080'], pods.b2.ip) },
    ],
  }),
  packetCase('internal policy Local without local endpoints: dropped', ['ClusterIP, Local, L empty: dropped'], {
    services: [service({ internalTrafficPolicy: 'Local' })],
    slices: [slice({ endpoints: ['b1'] })],
    dials: from(['a1', 'node-1'], { to: `${vip}:80`, expect: 'timeout' }),
  }),
  packetCase('internal policy Local without any endpoint: refused', ['ClusterIP, none: refused'], {
    services: [service({ internalTrafficPolicy: 'Local' })],
    slices: [],
    dials: from(['a1', 'node-1'], { to: `${vip}:80`, expect: 'refused' }),
  }),
  packetCase(
    'internal policy Local does not touch the node port',
    ['policies: each for its own direction', 'ClusterIP, Local, L empty: dropped', 'NodePort, Cluster, ready: outside'],
    {
      services: [exposed({ internalTrafficPolicy: 'Local' })],
      slices: [slice({ endpoints: ['b1'] })],
      dials: [
        { from: 'a1', to: `${vip}:80`, expect: 'timeout' },
        { from: 'host', to: at('node-1'), expect: answeredBy(['b1:8080'], nodes['node-1'].internalIp) },
      ],
    },
  ),
]
