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
      'spec.clusterIPs: Forbidden: may not be set for ExternalName services',
      'spec.externalName: Required value',
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
  {
    name: 'a selector that is no label value',
    spec: { ports, selector: { a: '-' } },
    findings: [
      "spec.selector: Invalid value: \"-\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
    ],
  },
  {
    name: 'an unknown protocol',
    spec: { ports: [{ port: 1, protocol: 'ICMP' }] },
    findings: ['spec.ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"'],
  },
  {
    name: 'a port beyond all ports',
    spec: { ports: [{ port: 65536, targetPort: 1 }] },
    findings: ['spec.ports[0].port: Invalid value: 65536: must be between 1 and 65535, inclusive'],
  },
  {
    name: 'a target port without a letter',
    spec: { ports: [{ port: 1, targetPort: '80' }] },
    findings: ['spec.ports[0].targetPort: Invalid value: "80": must contain at least one letter (a-z)'],
  },
  {
    name: 'a target port with two dashes',
    spec: { ports: [{ port: 1, targetPort: 'a--b' }] },
    findings: ['spec.ports[0].targetPort: Invalid value: "a--b": must not contain consecutive hyphens'],
  },
  {
    name: 'an application protocol with a prefix',
    spec: { ports: [{ port: 1, appProtocol: 'kubernetes.io/h2c' }] },
    findings: [],
  },
  {
    name: 'an application protocol of two slashes',
    spec: { ports: [{ port: 1, appProtocol: 'a/b/c' }] },
    findings: [
      "spec.ports[0].appProtocol: Invalid value: \"a/b/c\": a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
    ],
  },
  {
    name: 'one node port for two protocols is fine',
    spec: {
      type: 'NodePort',
      ports: [
        { name: 'a', port: 1, nodePort: 30000 },
        { name: 'b', port: 1, nodePort: 30000, protocol: 'UDP' },
      ],
    },
    findings: [],
  },
  {
    name: 'headless is not for LoadBalancer',
    spec: { type: 'LoadBalancer', ports, clusterIP: 'None', clusterIPs: ['None'] },
    findings: ['spec.clusterIPs[0]: Invalid value: "None": may not be set to \'None\' for LoadBalancer services'],
  },
  {
    name: 'external addresses of special ranges',
    spec: { ports, externalIPs: ['0.0.0.0', '169.254.1.1', '224.0.0.1', '::ffff:192.0.2.1', 'fe80::1'] },
    findings: [
      'spec.externalIPs[0]: Invalid value: "0.0.0.0": may not be unspecified (0.0.0.0)',
      'spec.externalIPs[1]: Invalid value: "169.254.1.1": may not be in the link-local range (169.254.0.0/16, fe80::/10)',
      'spec.externalIPs[2]: Invalid value: "224.0.0.1": may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)',
      'spec.externalIPs[3]: Invalid value: "::ffff:192.0.2.1": must not be an IPv4-mapped IPv6 address',
      'spec.externalIPs[4]: Invalid value: "fe80::1": may not be in the link-local range (169.254.0.0/16, fe80::/10)',
    ],
  },
  {
    name: 'an unknown affinity',
    spec: { ports, sessionAffinity: 'Cookie' },
    findings: ['spec.sessionAffinity: Unsupported value: "Cookie": supported values: "ClientIP", "None"'],
  },
  {
    name: 'affinity of exactly a day is fine',
    spec: { ports, sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 86400 } } },
    findings: [],
  },
  {
    name: 'affinity of no time',
    spec: { ports, sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 0 } } },
    findings: [
      'spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 0: must be greater than 0 and less than 86400',
    ],
  },
  {
    name: 'source ranges may be padded with blanks',
    spec: { type: 'LoadBalancer', ports, loadBalancerSourceRanges: [' 10.0.0.0/8 '] },
    findings: [],
  },
  {
    name: 'source ranges in the annotation',
    meta: { annotations: { 'service.beta.kubernetes.io/load-balancer-source-ranges': '10.0.0.0/8, x' } },
    spec: { type: 'LoadBalancer', ports },
    findings: [
      'metadata.annotations[service.beta.kubernetes.io/load-balancer-source-ranges]: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
    ],
  },
  {
    name: 'a class of a load balancer given later',
    spec: { type: 'LoadBalancer', ports, ...allocated, loadBalancerClass: 'a/b' },
    before: { type: 'LoadBalancer', ports, ...allocated },
    findings: ['spec.loadBalancerClass: Invalid value: "a/b": may not change once set'],
  },
  {
    name: 'an external name that is no name',
    spec: { type: 'ExternalName', externalName: 'a_b.' },
    findings: [
      "spec.externalName: Invalid value: \"a_b\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    ],
  },
  {
    name: 'ExternalName has no families',
    spec: { type: 'ExternalName', externalName: 'a.b', ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' },
    findings: [
      'spec.ipFamilies: Forbidden: may not be set for ExternalName services',
      'spec.ipFamilyPolicy: Forbidden: may not be set for ExternalName services',
    ],
  },
  {
    name: 'an unknown external policy',
    spec: { type: 'NodePort', ports, externalTrafficPolicy: 'Near' },
    findings: ['spec.externalTrafficPolicy: Unsupported value: "Near": supported values: "Cluster", "Local"'],
  },
  {
    name: 'an unknown internal policy',
    spec: { ports, internalTrafficPolicy: 'Near' },
    findings: ['spec.internalTrafficPolicy: Unsupported value: "Near": supported values: "Cluster", "Local"'],
  },
  {
    name: 'topology annotations that differ',
    meta: {
      annotations: {
        'service.kubernetes.io/topology-mode': 'Auto',
        'service.kubernetes.io/topology-aware-hints': 'Disabled',
      },
    },
    spec: { ports },
    findings: [
      'metadata.annotations[service.kubernetes.io/topology-mode]: Invalid value: "Auto": must match annotations[service.kubernetes.io/topology-aware-hints] when both are specified',
    ],
  },
  {
    name: 'three addresses',
    spec: { ports, clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.1', 'fd00::1', 'fd00::2'] },
    findings: ['spec.clusterIPs: Invalid value: ["10.96.0.1","fd00::1","fd00::2"]: may only hold up to 2 values'],
  },
  {
    name: 'None with an address',
    spec: { ports, clusterIP: 'None', clusterIPs: ['None', '10.96.0.1'] },
    findings: ['spec.clusterIPs: Invalid value: ["None","10.96.0.1"]: \'None\' must be the first and only value'],
  },
  {
    name: 'a singular that is not the first of the plural',
    spec: { ports, clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.2'] },
    findings: ['spec.clusterIPs: Invalid value: ["10.96.0.2"]: first value must match `clusterIP`'],
  },
  {
    name: 'unknown and repeated families, and an unknown policy',
    spec: { ports, ipFamilies: ['IPv4', 'IPv4', 'IPX'], ipFamilyPolicy: 'TripleStack' },
    findings: [
      'spec.ipFamilies[1]: Duplicate value: "IPv4"',
      'spec.ipFamilies[2]: Unsupported value: "IPX": supported values: "IPv4", "IPv6"',
      'spec.ipFamilyPolicy: Unsupported value: "TripleStack": supported values: "PreferDualStack", "RequireDualStack", "SingleStack"',
    ],
  },
  {
    name: 'the second address stays',
    spec: { ports, ...dual, clusterIPs: ['10.96.0.1', 'fd00::2'] },
    before: { ports, ...dual },
    findings: ['spec.clusterIPs[1]: Invalid value: ["10.96.0.1","fd00::2"]: may not change once set'],
  },
  {
    name: 'the first address is not taken away',
    spec: { ports, ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' },
    before: { ports, ...allocated },
    findings: ['spec.clusterIPs[0]: Invalid value: null: primary clusterIP can not be unset'],
  },
  {
    name: 'releasing the second family needs SingleStack',
    spec: { ports, ...dual, ipFamilies: ['IPv4'] },
    before: { ports, ...dual },
    findings: [
      'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": must be set to \'SingleStack\' when releasing the secondary ipFamily',
    ],
  },
  {
    name: 'the first family stays',
    spec: { ports, ...dual, clusterIPs: ['10.96.0.1', 'fd00::1'], ipFamilies: ['IPv6', 'IPv4'] },
    before: { ports, ...dual },
    findings: [
      'spec.ipFamilies[0]: Invalid value: ["IPv6","IPv4"]: may not change once set',
      'spec.clusterIPs[0]: Invalid value: "10.96.0.1": expected an IPv6 value as indicated by `ipFamilies[0]`',
      'spec.clusterIPs[1]: Invalid value: "fd00::1": expected an IPv4 value as indicated by `ipFamilies[1]`',
    ],
  },
  {
    name: 'a headless Service changes its families freely',
    spec: { clusterIP: 'None', clusterIPs: ['None'], ipFamilies: ['IPv6'], ipFamilyPolicy: 'SingleStack' },
    before: { clusterIP: 'None', clusterIPs: ['None'], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' },
    findings: [],
  },
  {
    name: 'from ExternalName nothing holds',
    spec: { ports, ...allocated },
    before: { type: 'ExternalName', externalName: 'a.b' },
    findings: [],
  },
  { name: 'a name may begin with a digit', meta: { name: '1web' }, spec: { ports }, findings: [] },
  {
    name: 'both addresses stay',
    spec: { ports, ...dual, clusterIP: '10.96.0.2', clusterIPs: ['10.96.0.2', 'fd00::2'] },
    before: { ports, ...dual },
    findings: [
      'spec.clusterIPs[0]: Invalid value: ["10.96.0.2","fd00::2"]: may not change once set',
      'spec.clusterIPs[1]: Invalid value: ["10.96.0.2","fd00::2"]: may not change once set',
    ],
  },
  {
    name: 'an address that is changed while the other is released without SingleStack',
    spec: { ports, ...dual, clusterIP: '10.96.0.2', clusterIPs: ['10.96.0.2'] },
    before: { ports, ...dual },
    findings: [
      'spec.clusterIPs[0]: Invalid value: ["10.96.0.2"]: may not change once set',
      'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": must be set to \'SingleStack\' when releasing the secondary clusterIP',
    ],
  },
  {
    name: 'None behind an address is no address',
    spec: { ports, clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.1', 'None'] },
    findings: [
      'spec.clusterIPs[1]: Invalid value: "None": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ],
  },
  {
    name: 'spaces around source ranges do not count, and are not told',
    spec: { type: 'LoadBalancer', ports, loadBalancerSourceRanges: [' 10.0.0.0/8 ', ' 10.1.1.1/8 '] },
    findings: [
      'spec.LoadBalancerSourceRanges[1]: Invalid value: "10.1.1.1/8": must not have bits set beyond the prefix length',
    ],
  },
  {
    name: 'an empty annotation of source ranges is for load balancers, too',
    meta: { annotations: { 'service.beta.kubernetes.io/load-balancer-source-ranges': '' } },
    spec: { ports },
    findings: [
      "metadata.annotations[service.beta.kubernetes.io/load-balancer-source-ranges]: Forbidden: may only be used when `type` is 'LoadBalancer'",
    ],
  },
  {
    name: 'everything wrong at once, in the order in which Kubernetes tells it',
    spec: {
      type: 'ClusterIP',
      ports: [
        { name: 'a', port: 0, protocol: 'X', nodePort: 30_000 },
        { name: 'a', port: 1, nodePort: 30_000 },
      ],
      sessionAffinity: 'None',
      sessionAffinityConfig: undefined,
      clusterIPs: ['10.96.0.1'],
      ipFamilies: ['IPv4', 'IPv4'],
      ipFamilyPolicy: 'Both',
      externalIPs: ['127.0.0.1'],
      loadBalancerSourceRanges: ['10.0.0.0/8'],
      loadBalancerClass: 'a b',
      allocateLoadBalancerNodePorts: true,
      externalTrafficPolicy: 'Near',
      healthCheckNodePort: 30_001,
      internalTrafficPolicy: 'Near',
      trafficDistribution: 'Near',
    },
    findings: [
      'spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
      'spec.ports[0].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP"',
      'spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive',
      'spec.ports[1].name: Duplicate value: "a"',
      'spec.clusterIPs: Invalid value: ["10.96.0.1"]: must be empty when `clusterIP` is not specified',
      'spec.ipFamilies[1]: Duplicate value: "IPv4"',
      'spec.ipFamilyPolicy: Unsupported value: "Both": supported values: "PreferDualStack", "RequireDualStack", "SingleStack"',
      'spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
      "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
      "spec.ports[1].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
      "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'",
      "spec.allocateLoadBalancerNodePorts: Forbidden: may only be used when `type` is 'LoadBalancer'",
      "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'",
      'spec.externalTrafficPolicy: Unsupported value: "Near": supported values: "Cluster", "Local"',
      "spec.healthCheckNodePort: Invalid value: 30001: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
      'spec.internalTrafficPolicy: Unsupported value: "Near": supported values: "Cluster", "Local"',
      'spec.trafficDistribution: Unsupported value: "Near": supported values: "PreferClose", "PreferSameNode", "PreferSameZone"',
    ],
  },
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

const ingressCases = [
  { name: 'an address', ingress: { ip: '192.0.2.1', ipMode: 'VIP' }, findings: [] },
  { name: 'a name', ingress: { hostname: 'lb.example' }, findings: [] },
  {
    name: 'an address without mode',
    ingress: { ip: '192.0.2.1' },
    findings: ['ipMode: Required value: must be specified when `ip` is set'],
  },
  {
    name: 'a mode without address',
    ingress: { hostname: 'a.b', ipMode: 'VIP' },
    findings: ['ipMode: Forbidden: may not be specified when `ip` is not set'],
  },
  {
    name: 'an unknown mode',
    ingress: { ip: '192.0.2.1', ipMode: 'X' },
    findings: ['ipMode: Unsupported value: "X": supported values: "Proxy", "VIP"'],
  },
  {
    name: 'an address as a name',
    ingress: { hostname: '192.0.2.1' },
    findings: ['hostname: Invalid value: "192.0.2.1": must be a DNS name, not an IP address'],
  },
]

for (const { name, ingress, findings } of ingressCases) {
  test(`status of a load balancer: ${name}`, () => {
    const service = {
      ...serviceOf({ type: 'LoadBalancer', ports }),
      status: { loadBalancer: { ingress: [ingress] } },
    } as Service
    const found = Service.validate(service, { before: service, subresource: 'status' })
    const path = 'status.loadBalancer.ingress[0].'
    assert.deepEqual(
      found.map(({ field, message }) => `${field}: ${message}`),
      findings.map((text) => `${path}${text}`),
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
