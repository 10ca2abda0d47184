/** Connections to cluster IPs. */
import {
  nodeNames,
  answeredBy,
  endpoint,
  from,
  httpPort,
  nodes,
  otherVip,
  packetCase,
  pods,
  podNames,
  service,
  slice,
  udpPort,
  udpSlice,
  vip,
} from '../packet-case.ts'

const all = ['a1:8080', 'b1:8080', 'c1:8080']
const web = { services: [service()], slices: [slice({ endpoints: ['a1', 'b1', 'c1'] })] }
const dns = { services: [service({ ports: [udpPort()] })], slices: [udpSlice({ endpoints: ['a1', 'b1', 'c1'] })] }

export const clusterIpCases = [
  packetCase('a pod reaches every endpoint and keeps its address', ['ClusterIP, Cluster, ready: pod'], {
    ...web,
    dials: (['a2', 'b2'] as const).map((pod) => ({
      from: pod,
      to: `${vip}:80`,
      expect: answeredBy(all, pods[pod].ip),
    })),
  }),
  packetCase('every node reaches every endpoint', ['ClusterIP, Cluster, ready: node'], {
    ...web,
    dials: nodeNames.map((node) => ({
      from: node,
      to: `${vip}:80`,
      expect: answeredBy(all, nodes[node].internalIp),
    })),
  }),
  packetCase(
    'a machine outside with a route gets answers, masqueraded',
    ['ClusterIP, Cluster, ready: outside, masqueraded'],
    {
      ...web,
      dials: [{ from: 'host', to: `${vip}:80`, expect: answeredBy(all, nodes['node-1'].internalIp) }],
    },
  ),
  packetCase('UDP from a pod, a node and outside', ['UDP'], {
    ...dns,
    dials: [
      { from: 'a2', to: `${vip}:53`, protocol: 'UDP', expect: answeredBy(all, pods.a2.ip) },
      { from: 'node-2', to: `${vip}:53`, protocol: 'UDP', expect: answeredBy(all, nodes['node-2'].internalIp) },
      { from: 'host', to: `${vip}:53`, protocol: 'UDP', expect: answeredBy(all, nodes['node-1'].internalIp) },
    ],
  }),
  packetCase('no endpoints: refused at once for everybody, TCP', ['ClusterIP, none: refused'], {
    services: [service()],
    slices: [slice({ endpoints: [] })],
    dials: from(['a1', 'b1', 'node-1', 'host'], { to: `${vip}:80`, expect: 'refused' }),
  }),
  packetCase('no slice at all: refused', ['ClusterIP, none: refused'], {
    services: [service()],
    slices: [],
    dials: from(['a1', 'node-3'], { to: `${vip}:80`, expect: 'refused' }),
  }),
  packetCase('no endpoints: refused at once, UDP', ['ClusterIP, none: refused'], {
    services: [service({ ports: [udpPort()] })],
    slices: [],
    dials: from(['a1', 'node-1', 'host'], { to: `${vip}:53`, protocol: 'UDP', expect: 'refused' }),
  }),
  packetCase('a port that the Service does not have is refused', ['undefined port of a used ClusterIP: refused'], {
    ...web,
    dials: [
      ...from(['a1', 'node-2', 'host'], { to: `${vip}:81`, expect: 'refused' }),
      { from: 'a1', to: `${vip}:80`, protocol: 'UDP', expect: 'refused' },
    ],
  }),
  packetCase('an address of the Service range that no Service has is dropped', ['ClusterIP without Service: dropped'], {
    ...web,
    dials: from(['a1', 'node-1', 'host'], { to: `${otherVip}:80`, expect: 'timeout' }),
  }),
  packetCase('a pod that is the only endpoint reaches itself', ['hairpin'], {
    services: [service()],
    slices: [slice({ endpoints: ['a1'] })],
    dials: [
      { from: 'a1', to: `${vip}:80`, expect: { by: ['a1:8080'] } },
      { from: 'a2', to: `${vip}:80`, expect: answeredBy(['a1:8080'], pods.a2.ip) },
    ],
  }),
  packetCase('every endpoint reaches all, itself too', ['hairpin'], {
    ...web,
    dials: from(['a1', 'b1', 'c1'], { to: `${vip}:80`, expect: { by: all } }),
  }),
  packetCase('a pod reaches itself over UDP', ['hairpin', 'UDP'], {
    services: [service({ ports: [udpPort()] })],
    slices: [udpSlice({ endpoints: ['b1'] })],
    dials: [{ from: 'b1', to: `${vip}:53`, protocol: 'UDP', expect: { by: ['b1:8080'] } }],
  }),
  packetCase('two ports lead to two target ports', ['several ports, named target ports'], {
    services: [service({ ports: [httpPort(), httpPort({ name: 'admin', port: 81, targetPort: 'admin' })] })],
    slices: [
      slice({
        ports: [
          { name: 'http', port: 8080, protocol: 'TCP' },
          { name: 'admin', port: 8081, protocol: 'TCP' },
        ],
        endpoints: ['a1', 'b1'],
      }),
    ],
    dials: [
      { from: 'a2', to: `${vip}:80`, expect: { by: ['a1:8080', 'b1:8080'] } },
      { from: 'a2', to: `${vip}:81`, expect: { by: ['a1:8081', 'b1:8081'] } },
    ],
  }),
  packetCase(
    'a named target port that differs from pod to pod',
    ['several ports, named target ports', 'endpoints: several slices, repeats'],
    {
      services: [service({ ports: [httpPort({ targetPort: 'web' })] })],
      slices: [
        slice({ name: 'web-1', endpoints: ['a1'] }),
        slice({ name: 'web-2', endpoints: ['b1'], ports: [{ name: 'http', port: 8081, protocol: 'TCP' }] }),
      ],
      dials: [{ from: 'c1', to: `${vip}:80`, expect: { by: ['a1:8080', 'b1:8081'] } }],
    },
  ),
  packetCase(
    'one port number for TCP and UDP; UDP goes, TCP stays',
    ['TCP and UDP on one port number'],
    {
      services: [service({ ports: [httpPort({ port: 53 }), udpPort()] })],
      slices: [slice({ endpoints: ['a1'] }), udpSlice({ name: 'web-2', endpoints: ['b1'] })],
      dials: [
        { from: 'a2', to: `${vip}:53`, expect: { by: ['a1:8080'] } },
        { from: 'a2', to: `${vip}:53`, protocol: 'UDP', expect: { by: ['b1:8080'] } },
      ],
    },
    {
      services: [service({ ports: [httpPort({ port: 53 })] })],
      slices: [slice({ endpoints: ['a1'] })],
      dials: [
        { from: 'a2', to: `${vip}:53`, expect: { by: ['a1:8080'] } },
        { from: 'a2', to: `${vip}:53`, protocol: 'UDP', expect: 'refused' },
      ],
    },
  ),
  packetCase(
    'a Service with the label service-proxy-name is left alone, comes back without it, and goes with it',
    ['label service-proxy-name', 'label service-proxy-name: comes and goes'],
    {
      services: [service({ labels: { 'service.kubernetes.io/service-proxy-name': 'other' } })],
      slices: [slice({ endpoints: ['a1'] })],
      dials: [{ from: 'a2', to: `${vip}:80`, expect: 'timeout' }],
    },
    {
      services: [service()],
      slices: [slice({ endpoints: ['a1'] })],
      dials: [{ from: 'a2', to: `${vip}:80`, expect: { by: ['a1:8080'] } }],
    },
    {
      services: [service({ labels: { 'service.kubernetes.io/service-proxy-name': '' } })],
      slices: [slice({ endpoints: ['a1'] })],
      dials: [{ from: 'a2', to: `${vip}:80`, expect: 'timeout' }],
    },
  ),
  packetCase('a headless and an ExternalName Service add nothing', ['headless and ExternalName: nothing'], {
    services: [
      service({ name: 'db', clusterIP: 'None' }),
      service({ name: 'out', type: 'ExternalName', clusterIP: otherVip }),
      service(),
    ],
    slices: [
      slice({ endpoints: ['a1'] }),
      slice({ service: 'db', endpoints: ['b1'], labels: { 'service.kubernetes.io/headless': '' } }),
    ],
    dials: [
      { from: 'a2', to: `${vip}:80`, expect: { by: ['a1:8080'] } },
      { from: 'a2', to: `${otherVip}:80`, expect: 'timeout' },
    ],
  }),
  packetCase('two Services at two addresses', ['ClusterIP, Cluster, ready: pod'], {
    services: [service(), service({ name: 'api', clusterIP: otherVip })],
    slices: [slice({ endpoints: ['a1', 'b1'] }), slice({ service: 'api', endpoints: ['c1'] })],
    dials: [
      ...from([...podNames], { to: `${otherVip}:80`, times: 5, expect: { by: ['c1:8080'] } }),
      { from: 'c1', to: `${vip}:80`, expect: { by: ['a1:8080', 'b1:8080'] } },
    ],
  }),
  packetCase('an endpoint in the network of its node', ['endpoints: hostNetwork'], {
    services: [service()],
    slices: [
      slice({
        ports: [{ name: 'http', port: 9090, protocol: 'TCP' }],
        endpoints: [endpoint('b1', 'ready', { addresses: [nodes['node-2'].internalIp] })],
      }),
    ],
    dials: [
      { from: 'a1', to: `${vip}:80`, expect: answeredBy(['node-2:9090'], pods.a1.ip) },
      { from: 'b1', to: `${vip}:80`, expect: answeredBy(['node-2:9090'], pods.b1.ip) },
      { from: 'node-2', to: `${vip}:80`, expect: { by: ['node-2:9090'] } },
      { from: 'node-1', to: `${vip}:80`, expect: answeredBy(['node-2:9090'], nodes['node-1'].internalIp) },
    ],
  }),
]
