import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { IpFamily } from '#lib/ip.ts'
import { selectIpFamilies } from './select-ip-families.ts'
import type { Service, ServiceSpec } from './service.ts'

interface Case {
  readonly name: string
  readonly cluster: readonly IpFamily[]
  readonly spec: ServiceSpec
  readonly before?: ServiceSpec
  readonly families?: readonly string[] | undefined
  readonly policy?: string | undefined
  readonly ips?: readonly string[]
  readonly findings?: readonly string[]
}

const single: readonly IpFamily[] = ['IPv4']
const both: readonly IpFamily[] = ['IPv4', 'IPv6']
const selector = { app: 'a' }
const dualIps = { clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1', 'fd00::1'] }
const dualBefore: ServiceSpec = {
  type: 'ClusterIP',
  selector,
  ...dualIps,
  ipFamilies: ['IPv4', 'IPv6'],
  ipFamilyPolicy: 'PreferDualStack',
}

const cases: readonly Case[] = [
  { name: 'nothing said, single', cluster: single, spec: { selector }, families: ['IPv4'], policy: 'SingleStack' },
  { name: 'nothing said, dual', cluster: both, spec: { selector }, families: ['IPv4'], policy: 'SingleStack' },
  {
    name: 'prefers dual, dual',
    cluster: both,
    spec: { selector, ipFamilyPolicy: 'PreferDualStack' },
    families: ['IPv4', 'IPv6'],
    policy: 'PreferDualStack',
  },
  {
    name: 'prefers dual, single',
    cluster: single,
    spec: { selector, ipFamilyPolicy: 'PreferDualStack' },
    families: ['IPv4'],
    policy: 'PreferDualStack',
  },
  {
    name: 'requires dual, single',
    cluster: single,
    spec: { selector, ipFamilyPolicy: 'RequireDualStack' },
    findings: [
      'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
    ],
  },
  {
    name: 'the second family first',
    cluster: both,
    spec: { selector, ipFamilies: ['IPv6'], ipFamilyPolicy: 'PreferDualStack' },
    families: ['IPv6', 'IPv4'],
    policy: 'PreferDualStack',
  },
  {
    name: 'a family that the cluster lacks',
    cluster: single,
    spec: { selector, ipFamilies: ['IPv6'] },
    findings: ['spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster'],
  },
  {
    name: 'an address of a family that the cluster lacks',
    cluster: single,
    spec: { selector, clusterIP: 'fd00::1', clusterIPs: ['fd00::1'] },
    findings: ['spec.clusterIPs[0]: Invalid value: ["fd00::1"]: IPv6 is not configured on this cluster'],
  },
  {
    name: 'families follow from addresses',
    cluster: both,
    spec: { selector, clusterIP: 'fd00::1', clusterIPs: ['fd00::1'] },
    families: ['IPv6'],
    policy: 'SingleStack',
  },
  {
    name: 'two addresses need a dual policy',
    cluster: both,
    spec: { selector, ...dualIps },
    findings: [
      "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified",
    ],
  },
  {
    name: 'headless with a selector is like others',
    cluster: both,
    spec: { selector, clusterIP: 'None', clusterIPs: ['None'] },
    families: ['IPv4'],
    policy: 'SingleStack',
  },
  {
    name: 'headless without a selector takes both, even on a single-stack cluster',
    cluster: single,
    spec: { clusterIP: 'None', clusterIPs: ['None'] },
    families: ['IPv4', 'IPv6'],
    policy: 'RequireDualStack',
  },
  {
    name: 'headless without a selector has what it asks for, and no more than its policy allows',
    cluster: both,
    spec: {
      clusterIP: 'None',
      clusterIPs: ['None'],
      ipFamilyPolicy: 'SingleStack',
      ipFamilies: ['IPv4', 'IPv6'],
    },
    findings: [
      "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified",
    ],
  },
  {
    name: 'families that make no sense are left for validation to tell',
    cluster: single,
    spec: { selector, ipFamilies: ['IPv6', 'IPv6'] },
    families: ['IPv6', 'IPv6'],
    policy: 'SingleStack',
  },
  {
    name: 'a family is released by SingleStack alone',
    cluster: both,
    before: dualBefore,
    spec: { ...dualBefore, ipFamilies: ['IPv4'] },
    findings: [
      'spec.ipFamilyPolicy: Invalid value: "PreferDualStack": must be \'SingleStack\' to release the secondary IP family',
    ],
  },
  {
    name: 'address and family are released by SingleStack alone',
    cluster: both,
    before: dualBefore,
    spec: { ...dualBefore, clusterIPs: ['10.0.0.1'], ipFamilies: ['IPv4'] },
    findings: [
      'spec.ipFamilyPolicy: Invalid value: "PreferDualStack": must be \'SingleStack\' to release the secondary cluster IP',
      'spec.ipFamilyPolicy: Invalid value: "PreferDualStack": must be \'SingleStack\' to release the secondary IP family',
    ],
  },
  { name: 'ExternalName has none', cluster: both, spec: { type: 'ExternalName' } },
  {
    name: 'SingleStack with untouched lists releases the second',
    cluster: both,
    before: dualBefore,
    spec: { ...dualBefore, ipFamilyPolicy: 'SingleStack' },
    families: ['IPv4'],
    policy: 'SingleStack',
    ips: ['10.0.0.1'],
  },
  {
    name: 'PreferDualStack is not upgraded with the cluster',
    cluster: both,
    before: {
      selector,
      clusterIP: '10.0.0.1',
      clusterIPs: ['10.0.0.1'],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'PreferDualStack',
    },
    spec: {
      selector,
      clusterIP: '10.0.0.1',
      clusterIPs: ['10.0.0.1'],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'PreferDualStack',
    },
    families: ['IPv4'],
    policy: 'PreferDualStack',
  },
  {
    name: 'an update without a policy keeps the old one',
    cluster: both,
    before: dualBefore,
    spec: { type: 'ClusterIP', selector, ...dualIps },
    families: ['IPv4', 'IPv6'],
    policy: 'PreferDualStack',
  },
]

const serviceOf = (spec: ServiceSpec): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: structuredClone(spec),
})

for (const { name, cluster, spec, before, families, policy, ips, findings = [] } of cases) {
  test(`IP families: ${name}`, () => {
    const service = serviceOf(spec)
    const found = selectIpFamilies(service, cluster, before && serviceOf(before))
    assert.deepEqual(
      found.map(({ field, message }) => `${field}: ${message}`),
      findings,
    )
    if (findings.length > 0) return
    assert.deepEqual(service.spec.ipFamilies, families)
    assert.equal(service.spec.ipFamilyPolicy, policy)
    if (ips) assert.deepEqual(service.spec.clusterIPs, ips)
  })
}
