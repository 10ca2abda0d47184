import assert from 'node:assert/strict'
import { test } from 'node:test'
import { applyDefaults } from './default-object.ts'
import { Service } from './service.ts'
import { serviceWarnings } from './warn-service.ts'

const ports = [{ port: 80 }]
const headless = { clusterIP: 'None', clusterIPs: ['None'] }

const cases: readonly { name: string; spec: object; annotations?: Record<string, string>; warnings: string[] }[] = [
  { name: 'nothing of note', spec: { ports }, warnings: [] },
  {
    name: 'the old annotation of topology',
    spec: { ports },
    annotations: { 'service.kubernetes.io/topology-aware-hints': 'auto' },
    warnings: [
      'annotation service.kubernetes.io/topology-aware-hints is deprecated, please use service.kubernetes.io/topology-mode instead',
    ],
  },
  {
    name: 'what a headless Service has no use for',
    spec: { ports, ...headless, loadBalancerIP: '192.0.2.1', externalIPs: ['192.0.2.2'], sessionAffinity: 'ClientIP' },
    warnings: [
      'spec.loadBalancerIP is ignored for headless services',
      'spec.externalIPs is ignored for headless services',
      'spec.SessionAffinity is ignored for headless services',
    ],
  },
  {
    name: 'external IPs',
    spec: { ports, externalIPs: ['192.0.2.2'] },
    warnings: ['spec.externalIPs is deprecated and may no longer be implemented in some clusters'],
  },
  {
    name: 'external IPs of an external name',
    spec: { type: 'ExternalName', externalName: 'a.b', externalIPs: ['192.0.2.2'] },
    warnings: ['spec.externalIPs is ignored when spec.type is "ExternalName"'],
  },
  {
    name: 'an external name that nobody asks for',
    spec: { ports, externalName: 'a.b' },
    warnings: ['spec.externalName is ignored when spec.type is not "ExternalName"'],
  },
  {
    name: 'the old name of a preference',
    spec: { ports, trafficDistribution: 'PreferClose' },
    warnings: ['spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"'],
  },
  {
    name: 'addresses and ranges that are not written as usual',
    spec: {
      type: 'LoadBalancer',
      ports,
      clusterIP: 'fd00:0::1',
      clusterIPs: ['fd00:0::1'],
      loadBalancerIP: 'fd00:0::2',
      loadBalancerSourceRanges: ['fd00:0::/64'],
    },
    warnings: [
      'spec.clusterIPs[0]: IPv6 address "fd00:0::1" should be in RFC 5952 canonical format ("fd00::1")',
      'spec.loadBalancerIP: IPv6 address "fd00:0::2" should be in RFC 5952 canonical format ("fd00::2")',
      'spec.loadBalancerSourceRanges[0]: CIDR value "fd00:0::/64" should be in canonical format ("fd00::/64")',
    ],
  },
]

for (const { name, spec, annotations, warnings } of cases) {
  test(`warnings about a Service: ${name}`, () => {
    const metadata = { name: 'web', namespace: 'default', ...(annotations && { annotations }) }
    const service = { apiVersion: 'v1', kind: 'Service', metadata, spec: structuredClone(spec) } as Service
    applyDefaults(Service, service)
    assert.deepEqual(serviceWarnings(service), warnings)
  })
}
