/** Objects that every cluster has from its first moment on. */
import { type AddressPlan, apiServerPort, dnsStatusPort, serviceCidrs } from '#lib/address-plan.ts'
import type { KubeObject } from '#api/meta.ts'

export interface BootstrapObject {
  /** Collection to create it in. */
  readonly path: string
  readonly object: KubeObject
  /** Whether it is put back when somebody changed it. */
  readonly owned: boolean
}

/** In the order in which they must be created. */
export function desiredBootstrapObjects(plan: AddressPlan): BootstrapObject[] {
  return [
    ...['default', 'kube-system', 'kube-public', 'kube-node-lease'].map(namespace),
    serviceCidr(plan),
    ...apiService(plan),
    ...dnsService(plan),
  ]
}

function namespace(name: string): BootstrapObject {
  const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }
  return { path: '/api/v1/namespaces', object, owned: false }
}

function serviceCidr(plan: AddressPlan): BootstrapObject {
  const object = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    metadata: { name: 'kubernetes' },
    spec: { cidrs: [...serviceCidrs(plan)] },
  }
  return { path: '/apis/networking.k8s.io/v1/servicecidrs', object, owned: false }
}

function apiService(plan: AddressPlan): BootstrapObject[] {
  const labels = { component: 'apiserver', provider: 'kubernetes' }
  const ports = [{ name: 'https', port: 443, protocol: 'TCP', targetPort: apiServerPort }]
  return [
    service('default', 'kubernetes', plan.apiServiceIp, labels, ports),
    endpoints('default', 'kubernetes', plan.controlPlaneIp, [{ name: 'https', port: apiServerPort, protocol: 'TCP' }]),
    slice('default', 'kubernetes', plan.controlPlaneIp, [{ name: 'https', port: apiServerPort, protocol: 'TCP' }]),
  ]
}

function dnsService(plan: AddressPlan): BootstrapObject[] {
  const labels = {
    'k8s-app': 'kube-dns',
    'kubernetes.io/cluster-service': 'true',
    'kubernetes.io/name': 'CoreDNS',
  }
  const ports = [
    { name: 'dns', port: 53, protocol: 'UDP', targetPort: 53 },
    { name: 'dns-tcp', port: 53, protocol: 'TCP', targetPort: 53 },
    { name: 'metrics', port: dnsStatusPort, protocol: 'TCP', targetPort: dnsStatusPort },
  ]
  const endpointPorts = ports.map(({ name, port, protocol }) => ({ name, port, protocol }))
  return [
    service('kube-system', 'kube-dns', plan.dnsServiceIp, labels, ports),
    endpoints('kube-system', 'kube-dns', plan.controlPlaneIp, endpointPorts),
    slice('kube-system', 'kube-dns', plan.controlPlaneIp, endpointPorts),
  ]
}

function service(
  ns: string,
  name: string,
  clusterIP: string,
  labels: object,
  ports: readonly object[],
): BootstrapObject {
  const object = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: ns, labels: { ...labels } },
    spec: { type: 'ClusterIP', clusterIP, clusterIPs: [clusterIP], ports: [...ports] },
  }
  return { path: `/api/v1/namespaces/${ns}/services`, object, owned: false }
}

function endpoints(ns: string, name: string, ip: string, ports: readonly object[]): BootstrapObject {
  const object = {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { name, namespace: ns, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
    subsets: [{ addresses: [{ ip }], ports: [...ports] }],
  }
  return { path: `/api/v1/namespaces/${ns}/endpoints`, object, owned: true }
}

function slice(ns: string, name: string, ip: string, ports: readonly object[]): BootstrapObject {
  const object = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace: ns, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    endpoints: [{ addresses: [ip], conditions: { ready: true } }],
    ports: [...ports],
  }
  return { path: `/apis/discovery.k8s.io/v1/namespaces/${ns}/endpointslices`, object, owned: true }
}
