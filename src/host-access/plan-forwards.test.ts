import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Node } from '#api/node.ts'
import type { Service, ServiceSpec } from '#api/service.ts'
import { desiredForwards, forwardKey, nodeDoorOf } from './plan-forwards.ts'

const doors = [
  { hostAddress: '127.30.0.11', internalIps: ['172.30.0.11', 'fd30:fd::11'] },
  { hostAddress: '127.30.0.12', internalIps: ['172.30.0.12'] },
]
const service = (spec: ServiceSpec): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'default' },
  spec,
})
const ip = { clusterIP: '10.96.0.7', clusterIPs: ['10.96.0.7'] }

const cases: readonly { name: string; spec: ServiceSpec; privileged?: boolean; expected: string[] }[] = [
  { name: 'no ports', spec: ip, expected: [] },
  {
    name: 'a cluster IP',
    spec: { ...ip, ports: [{ protocol: 'TCP', port: 80 }] },
    expected: ['TCP 127.96.0.7:8080 > 10.96.0.7:80'],
  },
  {
    name: 'a cluster IP for those who may bind every port',
    spec: { ...ip, ports: [{ protocol: 'TCP', port: 80 }] },
    privileged: true,
    expected: ['TCP 127.96.0.7:80 > 10.96.0.7:80'],
  },
  {
    name: 'the same port in two protocols is no clash',
    spec: {
      ...ip,
      ports: [
        { name: 'dns', protocol: 'UDP', port: 53 },
        { name: 'dns-tcp', protocol: 'TCP', port: 53 },
        { name: 'metrics', protocol: 'TCP', port: 8053 },
      ],
    },
    expected: [
      'UDP 127.96.0.7:8053 > 10.96.0.7:53',
      'TCP 127.96.0.7:18053 > 10.96.0.7:53',
      'TCP 127.96.0.7:8053 > 10.96.0.7:8053',
    ],
  },
  {
    name: 'IPv6 alone: through the door of every node that has it',
    spec: {
      clusterIP: 'fd30:fd:0:1::c22',
      clusterIPs: ['fd30:fd:0:1::c22'],
      ipFamilies: ['IPv6'],
      ports: [{ protocol: 'TCP', port: 8000, nodePort: 30053 }],
    },
    expected: ['TCP 127.30.0.11:30053 > fd30:fd::11:30053', 'TCP 127.160.12.34:8000 > fd30:fd:0:1::c22:8000'],
  },
  {
    name: 'node ports on every node',
    spec: { ...ip, type: 'NodePort', ports: [{ protocol: 'UDP', port: 5353, nodePort: 30053 }] },
    expected: [
      'UDP 127.30.0.11:30053 > 172.30.0.11:30053',
      'UDP 127.30.0.12:30053 > 172.30.0.12:30053',
      'UDP 127.96.0.7:5353 > 10.96.0.7:5353',
    ],
  },
  {
    name: 'a load balancer without node ports',
    spec: { ...ip, type: 'LoadBalancer', ports: [{ protocol: 'TCP', port: 8000 }] },
    expected: ['TCP 127.96.0.7:8000 > 10.96.0.7:8000'],
  },
  {
    name: 'headless',
    spec: { clusterIP: 'None', clusterIPs: ['None'], ports: [{ protocol: 'TCP', port: 80 }] },
    expected: [],
  },
  { name: 'no address yet', spec: { ports: [{ protocol: 'TCP', port: 80 }] }, expected: [] },
  { name: 'SCTP', spec: { ...ip, ports: [{ protocol: 'SCTP', port: 9999 }] }, expected: [] },
  {
    name: 'only the IPv4 half of two families',
    spec: { clusterIP: 'fd00::7', clusterIPs: ['fd00::7', '10.96.0.7'], ports: [{ protocol: 'TCP', port: 8000 }] },
    expected: ['TCP 127.96.0.7:8000 > 10.96.0.7:8000'],
  },
  {
    name: 'ExternalName',
    spec: { type: 'ExternalName', externalName: 'x.example.com', ports: [{ protocol: 'TCP', port: 80 }] },
    expected: [],
  },
]
for (const { name, spec, privileged = false, expected } of cases) {
  test(name, () => {
    const forwards = desiredForwards(service(spec), doors, privileged)
    assert.deepEqual(
      forwards.map((forward) => `${forwardKey(forward)} > ${forward.target.address}:${forward.target.port}`),
      expected,
    )
  })
}

type Addresses = NonNullable<NonNullable<Node['status']>['addresses']>
const nodes: readonly (readonly [name: string, addresses: Addresses, expected: ReturnType<typeof nodeDoorOf>])[] = [
  [
    'a node of ours',
    [
      { type: 'InternalIP', address: '172.30.0.11' },
      { type: 'InternalIP', address: 'fd30:fd::11' },
      { type: 'Hostname', address: 'one' },
      { type: 'ExternalIP', address: '127.30.0.11' },
    ],
    doors[0],
  ],
  [
    'a node with a real external address',
    [
      { type: 'InternalIP', address: '192.0.2.1' },
      { type: 'ExternalIP', address: '198.51.100.1' },
    ],
    undefined,
  ],
  ['a node without addresses', [], undefined],
]
for (const [name, addresses, expected] of nodes) {
  test(`door of ${name}`, () => {
    const node: Node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' }, spec: {}, status: { addresses } }
    assert.deepEqual(nodeDoorOf(node), expected)
  })
}
