import assert from 'node:assert/strict'
import { test } from 'node:test'
import { prepareService } from './prepare-service.ts'
import type { Service, ServiceSpec } from './service.ts'

interface Case {
  readonly name: string
  readonly before?: ServiceSpec
  readonly spec: ServiceSpec
  readonly expected: ServiceSpec
}

const ip = { clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.1'] }
const families: ServiceSpec = { ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' }
const nodePort: ServiceSpec = { type: 'NodePort', ...ip, ports: [{ name: 'http', port: 80, nodePort: 30080 }] }
const local: ServiceSpec = { type: 'LoadBalancer', ...ip, externalTrafficPolicy: 'Local', healthCheckNodePort: 31000 }

const cases: readonly Case[] = [
  {
    name: 'create: the plural follows the singular',
    spec: { type: 'ClusterIP', clusterIP: '10.96.0.1' },
    expected: { type: 'ClusterIP', ...ip },
  },
  {
    name: 'create: the singular does not follow the plural',
    spec: { type: 'ClusterIP', clusterIPs: ['10.96.0.1'] },
    expected: { type: 'ClusterIP', clusterIPs: ['10.96.0.1'] },
  },
  {
    name: 'update: an omitted address is kept',
    before: { type: 'ClusterIP', ...ip },
    spec: { type: 'ClusterIP' },
    expected: { type: 'ClusterIP', ...ip },
  },
  {
    name: 'update: a changed singular takes the plural along',
    before: { type: 'ClusterIP', ...ip },
    spec: { type: 'ClusterIP', clusterIP: '10.96.0.2', clusterIPs: ['10.96.0.1'] },
    expected: { type: 'ClusterIP', clusterIP: '10.96.0.2', clusterIPs: ['10.96.0.2'] },
  },
  {
    name: 'update: node ports are kept by name',
    before: nodePort,
    spec: { type: 'NodePort', ...ip, ports: [{ name: 'http', port: 8080 }] },
    expected: { type: 'NodePort', ...ip, ports: [{ name: 'http', port: 8080, nodePort: 30080 }] },
  },
  {
    name: 'update: not when another port took the number',
    before: nodePort,
    spec: {
      type: 'NodePort',
      ...ip,
      ports: [
        { name: 'http', port: 80 },
        { name: 'b', port: 81, nodePort: 30080 },
      ],
    },
    expected: {
      type: 'NodePort',
      ...ip,
      ports: [
        { name: 'http', port: 80 },
        { name: 'b', port: 81, nodePort: 30080 },
      ],
    },
  },
  {
    name: 'update: the health check port is kept',
    before: local,
    spec: { type: 'LoadBalancer', ...ip, externalTrafficPolicy: 'Local' },
    expected: local,
  },
  {
    name: 'to ExternalName: addresses and families go',
    before: { type: 'ClusterIP', ...ip, ...families },
    spec: { type: 'ExternalName', externalName: 'a.b', ...ip, ...families },
    expected: { type: 'ExternalName', externalName: 'a.b' },
  },
  {
    name: 'to ExternalName: an address that the client chose stays, to be refused',
    before: { type: 'ClusterIP', ...ip },
    spec: { type: 'ExternalName', externalName: 'a.b', clusterIP: '10.96.0.2', clusterIPs: ['10.96.0.2'] },
    expected: { type: 'ExternalName', externalName: 'a.b', clusterIP: '10.96.0.2', clusterIPs: ['10.96.0.2'] },
  },
  {
    name: 'NodePort to ClusterIP: node ports and the external policy go',
    before: { ...nodePort, externalTrafficPolicy: 'Cluster' },
    spec: { ...nodePort, type: 'ClusterIP', externalTrafficPolicy: 'Cluster' },
    expected: { type: 'ClusterIP', ...ip, ports: [{ name: 'http', port: 80 }] },
  },
  {
    name: 'NodePort to ClusterIP: not when the client added one',
    before: nodePort,
    spec: { type: 'ClusterIP', ...ip, ports: [{ name: 'http', port: 80, nodePort: 30081 }] },
    expected: { type: 'ClusterIP', ...ip, ports: [{ name: 'http', port: 80, nodePort: 30081 }] },
  },
  {
    name: 'LoadBalancer to NodePort: node ports stay, the rest goes',
    before: { ...local, allocateLoadBalancerNodePorts: true, loadBalancerClass: 'a/b', ports: nodePort.ports! },
    spec: {
      ...local,
      type: 'NodePort',
      allocateLoadBalancerNodePorts: true,
      loadBalancerClass: 'a/b',
      ports: nodePort.ports!,
    },
    expected: { type: 'NodePort', ...ip, externalTrafficPolicy: 'Local', ports: nodePort.ports! },
  },
  {
    name: 'no more node ports wanted: those there are stay',
    before: { type: 'LoadBalancer', ...ip, allocateLoadBalancerNodePorts: true, ports: nodePort.ports! },
    spec: { type: 'LoadBalancer', ...ip, allocateLoadBalancerNodePorts: false, ports: nodePort.ports! },
    expected: { type: 'LoadBalancer', ...ip, allocateLoadBalancerNodePorts: false, ports: nodePort.ports! },
  },
  {
    name: 'without external addresses the external policy goes',
    before: { type: 'ClusterIP', ...ip, externalIPs: ['192.0.2.1'], externalTrafficPolicy: 'Local' },
    spec: { type: 'ClusterIP', ...ip, externalTrafficPolicy: 'Local' },
    expected: { type: 'ClusterIP', ...ip },
  },
]

const serviceOf = (spec: ServiceSpec): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: structuredClone(spec),
})

for (const { name, before, spec, expected } of cases) {
  test(`Service ${name}`, () => {
    const service = serviceOf(spec)
    prepareService(service, before && serviceOf(before))
    assert.deepEqual(service.spec, expected)
  })
}

test('what a load balancer promised goes with the type', () => {
  const before = { ...serviceOf(local), status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } } }
  const service = { ...serviceOf({ ...local, type: 'ClusterIP' }), status: structuredClone(before.status) }
  prepareService(service, before)
  assert.deepEqual(service.status, { loadBalancer: {} })
})
