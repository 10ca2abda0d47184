import assert from 'node:assert/strict'
import { test } from 'node:test'
import { applyDefaults } from './default-object.ts'
import { Service } from './service.ts'

interface Case {
  readonly name: string
  readonly spec: object
  readonly meta?: object
  readonly before?: object
  /** `field: message`, in order. */
  readonly findings: readonly string[]
}

const ports = [{ port: 80 }]
const allocated = {
  clusterIP: '10.96.0.1',
  clusterIPs: ['10.96.0.1'],
  ipFamilies: ['IPv4'],
  ipFamilyPolicy: 'SingleStack',
}
const dual = {
  clusterIP: '10.96.0.1',
  clusterIPs: ['10.96.0.1', 'fd00::1'],
  ipFamilies: ['IPv4', 'IPv6'],
  ipFamilyPolicy: 'RequireDualStack',
}

const cases: readonly Case[] = [
  { name: 'the smallest Service is fine', spec: { ports }, findings: [] },
  { name: 'a headless Service needs no ports', spec: { clusterIP: 'None', clusterIPs: ['None'] }, findings: [] },
  { name: 'ports are required otherwise', spec: {}, findings: ['spec.ports: Required value'] },
  {
    name: 'a wrong type and missing ports are told together',
    spec: { type: 'x' },
    findings: [
      'spec.ports: Required value',
      'spec.type: Unsupported value: "x": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
    ],
  },
  {
    name: 'port zero',
    spec: { ports: [{ port: 0 }] },
    findings: [
      'spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
      'spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive',
    ],
  },
  {
    name: 'several ports need names, each its own',
    spec: { ports: [{ port: 1 }, { name: 'a', port: 2 }, { name: 'a', port: 3 }] },
    findings: ['spec.ports[0].name: Required value', 'spec.ports[2].name: Duplicate value: "a"'],
  },
  {
    name: 'the same port and protocol twice',
    spec: {
      ports: [
        { name: 'a', port: 1 },
        { name: 'b', port: 1 },
      ],
    },
    findings: ['spec.ports[1]: Duplicate value: {"protocol":"TCP","port":1}'],
  },
  {
    name: 'one port for two protocols is fine',
    spec: {
      ports: [
        { name: 'a', port: 53 },
        { name: 'b', port: 53, protocol: 'UDP' },
      ],
    },
    findings: [],
  },
  {
    name: 'a named target port of more than 15 characters',
    spec: { ports: [{ port: 1, targetPort: 'a-much-too-long-name' }] },
    findings: ['spec.ports[0].targetPort: Invalid value: "a-much-too-long-name": must be no more than 15 bytes'],
  },
  {
    name: 'node ports are not for ClusterIP',
    spec: { ports: [{ port: 1, nodePort: 30000 }] },
    findings: ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
  },
  {
    name: 'the same node port and protocol twice',
    spec: {
      type: 'NodePort',
      ports: [
        { name: 'a', port: 1, nodePort: 30000 },
        { name: 'b', port: 2, nodePort: 30000 },
      ],
    },
    findings: ['spec.ports[1].nodePort: Duplicate value: 30000'],
  },
  {
    name: 'headless is not for NodePort',
    spec: { type: 'NodePort', ports, clusterIP: 'None', clusterIPs: ['None'] },
    findings: ['spec.clusterIPs[0]: Invalid value: "None": may not be set to \'None\' for NodePort services'],
  },
  {
    name: 'ExternalName needs a name and nothing of the cluster',
    spec: { type: 'ExternalName', clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.1'] },
    findings: [
      'spec.externalName: Required value',
      'spec.clusterIPs: Forbidden: may not be set for ExternalName services',
    ],
  },
  {
    name: 'one trailing dot of an external name',
    spec: { type: 'ExternalName', externalName: 'example.com.' },
    findings: [],
  },
  {
    name: 'affinity of more than a day',
    spec: { ports, sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 86401 } } },
    findings: [
      'spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 86401: must be greater than 0 and less than 86400',
    ],
  },
  {
    name: 'external addresses nobody can have',
    spec: { ports, externalIPs: ['127.0.0.1', '010.0.0.1', 'x', '192.0.2.1'] },
    findings: [
      'spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
      'spec.externalIPs[1]: Invalid value: "010.0.0.1": must not have leading 0s',
      'spec.externalIPs[2]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ],
  },
  {
    name: 'old external addresses stay acceptable',
    spec: { ports, ...allocated, externalIPs: ['010.0.0.1'] },
    before: { ports, ...allocated, externalIPs: ['010.0.0.1'] },
    findings: [],
  },
  {
    name: 'source ranges are for load balancers',
    spec: { ports, loadBalancerSourceRanges: ['10.0.0.1/8'] },
    findings: [
      "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'",
      'spec.LoadBalancerSourceRanges[0]: Invalid value: "10.0.0.1/8": must not have bits set beyond the prefix length',
    ],
  },
  {
    name: 'the class of a load balancer is not for others',
    spec: { ports, loadBalancerClass: 'a/b', allocateLoadBalancerNodePorts: false },
    findings: [
      "spec.allocateLoadBalancerNodePorts: Forbidden: may only be used when `type` is 'LoadBalancer'",
      "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'",
    ],
  },
  {
    name: 'the class of a load balancer stays',
    spec: { type: 'LoadBalancer', ports, ...allocated, loadBalancerClass: 'a/c' },
    before: { type: 'LoadBalancer', ports, ...allocated, loadBalancerClass: 'a/b' },
    findings: ['spec.loadBalancerClass: Invalid value: "a/c": may not change once set'],
  },
  {
    name: 'external policy without a way in from outside',
    spec: { ports, externalTrafficPolicy: 'Local' },
    findings: [
      'spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services',
    ],
  },
  {
    name: 'a health check port without Local',
    spec: { type: 'LoadBalancer', ports, healthCheckNodePort: 31000 },
    findings: [
      "spec.healthCheckNodePort: Invalid value: 31000: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
    ],
  },
  {
    name: 'an unknown distribution',
    spec: { ports, trafficDistribution: 'Near' },
    findings: [
      'spec.trafficDistribution: Unsupported value: "Near": supported values: "PreferClose", "PreferSameNode", "PreferSameZone"',
    ],
  },
  {
    name: 'the plural address without the singular',
    spec: { ports, clusterIPs: ['10.96.0.1'] },
    findings: ['spec.clusterIPs: Invalid value: ["10.96.0.1"]: must be empty when `clusterIP` is not specified'],
  },
  {
    name: 'two addresses of one family',
    spec: { ports, clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.1', '10.96.0.2'] },
    findings: [
      'spec.clusterIPs: Invalid value: ["10.96.0.1","10.96.0.2"]: may specify no more than one IP for each IP family',
    ],
  },
  {
    name: 'an address of another family than said',
    spec: { ports, clusterIP: 'fd00::1', clusterIPs: ['fd00::1'], ipFamilies: ['IPv4'] },
    findings: ['spec.clusterIPs[0]: Invalid value: "fd00::1": expected an IPv4 value as indicated by `ipFamilies[0]`'],
  },
  {
    name: 'an address stays',
    spec: { ports, ...allocated, clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9'] },
    before: { ports, ...allocated },
    findings: ['spec.clusterIPs[0]: Invalid value: ["10.96.0.9"]: may not change once set'],
  },
  {
    name: 'releasing the second address needs SingleStack',
    spec: { ports, ...dual, clusterIPs: ['10.96.0.1'] },
    before: { ports, ...dual },
    findings: [
      'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": must be set to \'SingleStack\' when releasing the secondary clusterIP',
    ],
  },
  {
    name: 'to ExternalName nothing holds',
    spec: { type: 'ExternalName', externalName: 'example.com' },
    before: { ports, ...allocated },
    findings: [],
  },
  {
    name: 'a bad name',
    meta: { name: 'Web' },
    spec: { ports },
    findings: [
      "metadata.name: Invalid value: \"Web\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
    ],
  },
  { name: 'a name may begin with a digit', meta: { name: '1web' }, spec: { ports }, findings: [] },
  {
    name: 'a selector of impossible labels',
    spec: { ports, selector: { 'a b': 'c' } },
    findings: [
      "spec.selector: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    ],
  },
]

function serviceOf(spec: object, meta: object = {}): Service {
  const metadata = { name: 'web', namespace: 'default', ...meta }
  const service = { apiVersion: 'v1', kind: 'Service', metadata, spec: structuredClone(spec) } as Service
  applyDefaults(Service, service)
  return service
}

for (const { name, spec, meta, before, findings } of cases) {
  test(`Service: ${name}`, () => {
    const context = before === undefined ? {} : { before: serviceOf(before) }
    const found = Service.validate(serviceOf(spec, meta), context)
    assert.deepEqual(
      found.map(({ field, message }) => `${field}: ${message}`),
      findings,
    )
  })
}

test('an ingress is only for a load balancer', () => {
  const service = serviceOf({ ports })
  service.status = { loadBalancer: { ingress: [{ ip: '192.0.2.1', ipMode: 'VIP' }] } }
  assert.deepEqual(Service.validate(service, { before: service, subresource: 'status' }), [
    {
      field: 'status.loadBalancer.ingress',
      reason: 'FieldValueForbidden',
      message: "Forbidden: may only be used when `spec.type` is 'LoadBalancer'",
    },
  ])
})
