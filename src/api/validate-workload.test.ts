import assert from 'node:assert/strict'
import { test } from 'node:test'
import { applyDefaults } from './default-object.ts'
import type { KubeObject } from './meta.ts'
import { findKind } from './registry.ts'

interface Case {
  readonly name: string
  readonly apiVersion?: string
  readonly kind: string
  readonly fields: object
  readonly before?: object
  readonly meta?: object
  readonly findings: readonly string[]
}

const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'nginx:1' }] } }
const selector = { matchLabels: { app: 'a' } }
const spec = { selector, template }
const endpoint = { addresses: ['10.244.0.2'] }
const slice = { addressType: 'IPv4', endpoints: [endpoint], ports: [{ name: 'http', port: 80 }] }

const cases: readonly Case[] = [
  ...['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet'].flatMap((kind): Case[] => [
    { name: 'the smallest is fine', kind, fields: { spec }, findings: [] },
    { name: 'a selector is needed', kind, fields: { spec: { template } }, findings: ['spec.selector: Required value'] },
    {
      name: 'the selector matches the template',
      kind,
      fields: { spec: { ...spec, selector: { matchLabels: { app: 'b' } } } },
      findings: [
        'spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`',
      ],
    },
    {
      name: 'pods restart always',
      kind,
      fields: { spec: { ...spec, template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } } } },
      findings: ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
    },
  ]),
  ...['Deployment', 'ReplicaSet', 'DaemonSet'].map((kind): Case => {
    const other = { matchExpressions: [{ key: 'app', operator: 'Exists' }] }
    const message = `spec.selector: Invalid value: ${JSON.stringify(other)}: field is immutable`
    return {
      name: 'the selector stays',
      kind,
      before: { spec },
      fields: { spec: { ...spec, selector: other } },
      findings: [message],
    }
  }),
  {
    name: 'an empty selector',
    kind: 'Deployment',
    fields: { spec: { ...spec, selector: {} } },
    findings: ['spec.selector: Invalid value: {}: empty selector is invalid for deployment'],
  },
  {
    name: 'negative numbers',
    kind: 'Deployment',
    fields: { spec: { ...spec, replicas: -1, minReadySeconds: -1 } },
    findings: [
      'spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0',
      'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    ],
  },
  {
    name: 'no way to roll',
    kind: 'Deployment',
    fields: { spec: { ...spec, strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: '0%' } } } },
    findings: ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0'],
  },
  {
    name: 'Recreate does not roll',
    kind: 'Deployment',
    fields: { spec: { ...spec, strategy: { type: 'Recreate', rollingUpdate: {} } } },
    findings: ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
  },
  {
    name: 'a deadline that comes before readiness',
    kind: 'Deployment',
    fields: { spec: { ...spec, minReadySeconds: 600 } },
    findings: ['spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds'],
  },
  {
    name: 'the service name stays',
    kind: 'StatefulSet',
    before: { spec: { ...spec, serviceName: 'a' } },
    fields: { spec: { ...spec, serviceName: 'b' } },
    findings: [
      "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    ],
  },
  {
    name: 'surge or unavailability, not both',
    kind: 'DaemonSet',
    fields: { spec: { ...spec, updateStrategy: { rollingUpdate: { maxSurge: 1 } } } },
    findings: [
      'spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero',
    ],
  },
  { apiVersion: 'discovery.k8s.io/v1', name: 'a slice', kind: 'EndpointSlice', fields: slice, findings: [] },
  {
    apiVersion: 'discovery.k8s.io/v1',
    name: 'addresses of another type, special, or not canonical',
    kind: 'EndpointSlice',
    fields: { ...slice, endpoints: [{ addresses: ['fd00::1', '127.0.0.1', '010.0.0.1'] }, { addresses: [] }] },
    findings: [
      'endpoints[0].addresses[0]: Invalid value: "fd00::1": must be an IPv4 address',
      'endpoints[0].addresses[1]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
      'endpoints[0].addresses[2]: Invalid value: "010.0.0.1": must not have leading 0s',
      'endpoints[1].addresses: Required value: must contain at least 1 address',
    ],
  },
  {
    apiVersion: 'discovery.k8s.io/v1',
    name: 'more than a thousand endpoints',
    kind: 'EndpointSlice',
    fields: { ...slice, endpoints: Array.from({ length: 1001 }, () => endpoint) },
    findings: ['endpoints: Too many: 1001: must have at most 1000 items'],
  },
  {
    apiVersion: 'discovery.k8s.io/v1',
    name: 'the address type stays',
    kind: 'EndpointSlice',
    before: { ...slice, endpoints: [] },
    fields: { ...slice, addressType: 'FQDN', endpoints: [] },
    findings: ['addressType: Invalid value: "FQDN": field is immutable'],
  },
  {
    apiVersion: 'v1',
    name: 'names of several ports',
    kind: 'Endpoints',
    fields: { subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 1 }, { name: 'b', port: 2 }] }, {}] },
    findings: [
      'subsets[0].ports[0].name: Required value',
      'subsets[1]: Required value: must specify `addresses` or `notReadyAddresses`',
    ],
  },
  {
    apiVersion: 'v1',
    name: 'bad keys, and one key twice',
    kind: 'ConfigMap',
    fields: { data: { '..a': 'x', b: 'y' }, binaryData: { b: 'eA==' } },
    findings: [
      'data[..a]: Invalid value: "..a": must not start with \'..\'',
      'data[b]: Invalid value: "b": duplicate of key present in binaryData',
    ],
  },
  {
    apiVersion: 'v1',
    name: 'what is immutable stays',
    kind: 'ConfigMap',
    before: { immutable: true, data: { a: 'x' } },
    fields: { data: { a: 'y' } },
    findings: [
      'immutable: Forbidden: field is immutable when `immutable` is set',
      'data: Forbidden: field is immutable when `immutable` is set',
    ],
  },
  {
    apiVersion: 'v1',
    name: 'the keys of its type',
    kind: 'Secret',
    fields: { type: 'kubernetes.io/tls', data: { 'tls.key': '' } },
    findings: ['data[tls.crt]: Required value'],
  },
  {
    apiVersion: 'networking.k8s.io/v1',
    name: 'ranges',
    kind: 'ServiceCIDR',
    meta: { namespace: undefined },
    fields: { spec: { cidrs: ['10.0.0.1/24', '10.1.0.0/24'] } },
    findings: [
      'spec.cidrs[0]: Invalid value: "10.0.0.1/24": must not have bits set beyond the prefix length',
      'spec.cidrs: Invalid value: ["10.0.0.1/24","10.1.0.0/24"]: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64',
    ],
  },
  {
    apiVersion: 'networking.k8s.io/v1',
    name: 'an address and its parent',
    kind: 'IPAddress',
    meta: { name: '2001:DB8::1', namespace: undefined },
    fields: { spec: { parentRef: { resource: 'services', name: '' } } },
    findings: [
      'metadata.name: Invalid value: "2001:DB8::1": must be in canonical form ("2001:db8::1")',
      'spec.parentRef.name: Required value',
    ],
  },
  {
    apiVersion: 'v1',
    name: 'metadata',
    kind: 'ConfigMap',
    meta: {
      name: 'a_b',
      labels: { a: '-' },
      finalizers: ['mine'],
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: '' }],
    },
    fields: {},
    findings: [
      "metadata.name: Invalid value: \"a_b\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
      "metadata.labels: Invalid value: \"-\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
      'metadata.ownerReferences[0].uid: Invalid value: "": uid must not be empty',
      'metadata.finalizers[0]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified',
    ],
  },
]

for (const { name, apiVersion = 'apps/v1', kind: kindName, fields, before, meta, findings } of cases) {
  test(`${kindName}: ${name}`, () => {
    const kind = findKind(apiVersion, kindName)
    assert.ok(kind)
    const objectOf = (own: object): KubeObject => {
      const metadata = { name: 'x', namespace: 'default', ...meta }
      const object = { apiVersion, kind: kindName, metadata, ...structuredClone(own) } as KubeObject
      applyDefaults(kind, object)
      return object
    }
    const found = kind.validate(objectOf(fields), before === undefined ? {} : { before: objectOf(before) })
    assert.deepEqual(
      found.map(({ field, message }) => `${field}: ${message}`),
      findings,
    )
  })
}
