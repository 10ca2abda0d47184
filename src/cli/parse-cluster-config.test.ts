import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { parseClusterConfig } from './parse-cluster-config.ts'

const head = 'apiVersion: frontdesk.dev/v1alpha1\nkind: Cluster\n'

const accepted = [
  { name: 'only the head', text: head, config: {} },
  { name: 'nodes and name', text: `${head}metadata: { name: shop }\nnodes: 2\n`, config: { name: 'shop', nodes: 2 } },
  {
    name: 'nodes one by one',
    text: `${head}nodes:\n  - zone: a\n  - { zone: b, labels: { disk: ssd } }\n  - {}\n`,
    config: {
      nodes: 3,
      nodeLabels: [{ 'topology.kubernetes.io/zone': 'a' }, { disk: 'ssd', 'topology.kubernetes.io/zone': 'b' }, {}],
    },
  },
  { name: 'nodes one by one, nothing special', text: `${head}nodes: [{}, {}]\n`, config: { nodes: 2 } },
  { name: 'one family', text: `${head}ipFamilies: [IPv4]\n`, config: { ipFamilies: ['IPv4'] as const } },
  { name: 'both', text: `${head}ipFamilies: [IPv4, IPv6]\n`, config: { ipFamilies: ['IPv4', 'IPv6'] as const } },
  {
    name: 'a pool of IPv6',
    text: `${head}loadBalancer: { pool: ["fd00::/120"] }\n`,
    config: { loadBalancer: { pools: ['fd00::/120'] } },
  },
  { name: 'proxy mode', text: `${head}proxyMode: nftables\n`, config: { proxyMode: 'nftables' } },
  {
    name: 'mirrors',
    text: `${head}registries:\n  docker.io: { mirrors: ["http://127.0.0.1:5000"] }\n`,
    config: { registries: { 'docker.io': { mirrors: ['http://127.0.0.1:5000'] } } },
  },
  {
    name: 'load balancer pools',
    text: `${head}loadBalancer: { pool: [10.0.0.0/28, 10.0.1.5-10.0.1.9] }\n`,
    config: { loadBalancer: { pools: ['10.0.0.0/28', '10.0.1.5-10.0.1.9'] } },
  },
  {
    name: 'admission plugins',
    text: `${head}admissionPlugins: [DenyServiceExternalIPs]\n`,
    config: { admissionPlugins: ['DenyServiceExternalIPs'] as const },
  },
  {
    name: 'upstream servers of DNS',
    text: `${head}dns: { upstreams: [10.0.0.1, "[fd00::1]:5353"] }\n`,
    config: { dns: { upstreams: ['10.0.0.1', '[fd00::1]:5353'] } },
  },
  { name: 'no load balancer', text: `${head}loadBalancer: false\n`, config: { loadBalancer: false as const } },
]

for (const { name, text, config } of accepted) {
  test(`cluster config accepted: ${name}`, () => assert.deepEqual(parseClusterConfig(text), { config, findings: [] }))
}

test('the whole config file in the documentation is accepted, and has every field', () => {
  const page = readFileSync(path.resolve(import.meta.dirname, '../../docs/config-file.md'), 'utf8')
  const [, text = ''] = /```yaml\n([^`]+)```/.exec(page) ?? []
  const { config, findings } = parseClusterConfig(text)
  assert.deepEqual(findings, [])
  assert.deepEqual(Object.keys(config).toSorted(), [
    'admissionPlugins',
    'dns',
    'ipFamilies',
    'loadBalancer',
    'name',
    'nodeLabels',
    'nodes',
    'proxyMode',
    'registries',
  ])
})

const refused = [
  { name: 'another apiVersion', text: 'apiVersion: v1\nkind: Cluster\n', finding: /^apiVersion: must be/ },
  { name: 'another kind', text: 'apiVersion: frontdesk.dev/v1alpha1\nkind: Pod\n', finding: /^kind: must be Cluster/ },
  {
    name: 'an unknown admission plugin',
    text: `${head}admissionPlugins: [AlwaysDeny]\n`,
    finding: /^admissionPlugins: must be a list of DenyServiceExternalIPs/,
  },
  {
    name: 'a name for an upstream server',
    text: `${head}dns: { upstreams: [one.example] }\n`,
    finding: /^dns\.upstreams: must be a list of addresses/,
  },
  { name: 'unknown field', text: `${head}nodez: 3\n`, finding: /^nodez: unknown field/ },
  { name: 'no nodes', text: `${head}nodes: 0\n`, finding: /^nodes: must be a whole number/ },
  { name: 'half a node', text: `${head}nodes: 1.5\n`, finding: /^nodes: must be a whole number/ },
  {
    name: 'an empty list of nodes',
    text: `${head}nodes: []\n`,
    finding: /^nodes: must be a whole number .* or a list/,
  },
  {
    name: 'a node of an unknown field',
    text: `${head}nodes: [{ zome: a }]\n`,
    finding: /^nodes\[0\]\.zome: unknown field/,
  },
  {
    name: 'an impossible zone',
    text: `${head}nodes: [{ zone: "a b" }]\n`,
    finding: /^nodes\[0\]\.zone: .*alphanumeric/,
  },
  {
    name: 'a label that is no text',
    text: `${head}nodes: [{ labels: { a: 1 } }]\n`,
    finding: /^nodes\[0\]\.labels\[a\]: must be a string/,
  },
  { name: 'a node that is no map', text: `${head}nodes: [a]\n`, finding: /^nodes\[0\]: must be a map/ },
  { name: 'unknown proxy mode', text: `${head}proxyMode: magic\n`, finding: /^proxyMode: must be one of/ },
  {
    name: 'mirror without scheme',
    text: `${head}registries: { docker.io: { mirrors: [x] } }\n`,
    finding: /mirrors: must be/,
  },
  {
    name: 'load balancer that is true',
    text: `${head}loadBalancer: true\n`,
    finding: /^loadBalancer: must be false or/,
  },
  { name: 'no pool', text: `${head}loadBalancer: { pool: [] }\n`, finding: /^loadBalancer.pool: must be a list/ },
  { name: 'a pool that is none', text: `${head}loadBalancer: { pool: [x] }\n`, finding: /pool\[0\]: "x" is no range/ },
  { name: 'an unknown family', text: `${head}ipFamilies: [IPv5]\n`, finding: /^ipFamilies: must be/ },
  { name: 'IPv6 alone', text: `${head}ipFamilies: [IPv6]\n`, finding: /^ipFamilies: must be/ },
  { name: 'IPv6 first', text: `${head}ipFamilies: [IPv6, IPv4]\n`, finding: /^ipFamilies: must be/ },
  { name: 'no family', text: `${head}ipFamilies: []\n`, finding: /^ipFamilies: must be/ },
  {
    name: 'pools that meet',
    text: `${head}loadBalancer: { pool: [10.0.0.0/24, 10.0.0.9-10.0.1.9] }\n`,
    finding: /pool\[1\]: .* overlaps with 10.0.0.0/,
  },
  { name: 'a list', text: '- a\n', finding: /^must be a map/ },
  { name: 'not YAML', text: '{', finding: /^not YAML/ },
]

for (const { name, text, finding } of refused) {
  test(`cluster config refused: ${name}`, () => {
    const { findings } = parseClusterConfig(text)
    assert.equal(findings.length, 1, findings.join('; '))
    assert.match(findings[0] ?? '', finding)
  })
}
