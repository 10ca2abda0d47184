/** Rules of the kinds around Services: EndpointSlice, Endpoints, ServiceCIDR, IPAddress. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { applyDefaults } from './default-object.ts'
import { EndpointSlice } from './endpoint-slice.ts'
import { Endpoints } from './endpoints.ts'
import { IPAddress } from './ip-address.ts'
import type { Kind } from './kind.ts'
import type { KubeObject } from './meta.ts'
import { ServiceCIDR } from './service-cidr.ts'

interface Case {
  readonly name: string
  readonly object: object
  readonly before?: object
  /** Beginnings of `field: message`, in order. */
  readonly findings: readonly string[]
}

const slice = (more: object) => ({ addressType: 'IPv4', endpoints: [], ports: [], ...more })
const endpoint = (more: object) => slice({ endpoints: [{ addresses: ['10.0.0.1'], ...more }] })
const at = (...addresses: string[]) => endpoint({ addresses })
const names = (count: number) => Array.from({ length: count }, (_, i) => ({ name: `z${i}` }))

const slices: readonly Case[] = [
  { name: 'smallest', object: slice({}), findings: [] },
  { name: 'no type', object: { endpoints: [] }, findings: ['addressType: Required value'] },
  { name: 'unknown type', object: slice({ addressType: 'IP' }), findings: ['addressType: Unsupported value: "IP"'] },
  {
    name: 'the type stays',
    object: slice({ addressType: 'IPv6' }),
    before: slice({}),
    findings: ['addressType: Invalid value: "IPv6": field is immutable'],
  },
  {
    name: 'no address',
    object: at(),
    findings: ['endpoints[0].addresses: Required value: must contain at least 1 address'],
  },
  {
    name: 'too many addresses',
    object: at(...Array.from({ length: 101 }, (_, i) => `10.0.0.${i}`)),
    findings: ['endpoints[0].addresses: Too many: 101: must have at most 100 items'],
  },
  {
    name: 'too many endpoints',
    object: slice({ endpoints: Array.from({ length: 1001 }, () => ({ addresses: ['10.0.0.1'] })) }),
    findings: ['endpoints: Too many: 1001: must have at most 1000 items'],
  },
  {
    name: 'an address of another family',
    object: at('fd00::1'),
    findings: ['endpoints[0].addresses[0]: Invalid value: "fd00::1"'],
  },
  {
    name: 'an address in an odd form',
    object: { ...at('FD00::1'), addressType: 'IPv6' },
    findings: ['endpoints[0].addresses[0]: Invalid value: "FD00::1": must be in canonical form ("fd00::1")'],
  },
  {
    name: 'the loopback',
    object: at('127.0.0.1'),
    findings: ['endpoints[0].addresses[0]: Invalid value: "127.0.0.1": may not be in the loopback range'],
  },
  {
    name: 'a link-local address',
    object: at('169.254.0.1'),
    findings: ['endpoints[0].addresses[0]: Invalid value: "169.254.0.1": may not be in the link-local range'],
  },
  { name: 'a name', object: { ...at('a.example'), addressType: 'FQDN' }, findings: [] },
  { name: 'a host name', object: endpoint({ hostname: 'A' }), findings: ['endpoints[0].hostname: Invalid value: "A"'] },
  {
    name: 'a node name',
    object: endpoint({ nodeName: 'a_b' }),
    findings: ['endpoints[0].nodeName: Invalid value: "a_b"'],
  },
  {
    name: 'too many hints',
    object: endpoint({ hints: { forZones: names(9), forNodes: names(9) } }),
    findings: ['endpoints[0].hints.forZones: Too many: 9', 'endpoints[0].hints.forNodes: Too many: 9'],
  },
  {
    name: 'a hint twice',
    object: endpoint({ hints: { forZones: [{ name: 'a' }, { name: 'a' }] } }),
    findings: ['endpoints[0].hints.forZones[1].name: Duplicate value: "a"'],
  },
  {
    name: 'the zone as deprecated topology',
    object: endpoint({ deprecatedTopology: { 'topology.kubernetes.io/zone': 'a' } }),
    findings: ['endpoints[0].deprecatedTopology'],
  },
  {
    name: 'ports of one name',
    object: slice({
      ports: [
        { name: 'a', port: 1 },
        { name: 'a', port: 2 },
      ],
    }),
    findings: ['ports[1].name: Duplicate value: "a"'],
  },
  { name: 'a port of no number', object: slice({ ports: [{ name: 'a' }] }), findings: [] },
  {
    name: 'what was stored stays acceptable',
    object: { ...at('127.0.0.1'), ports: [{ name: 'a' }] },
    before: at('127.0.0.1'),
    findings: [],
  },
]

const subset = (more: object) => ({ subsets: [{ addresses: [{ ip: '10.0.0.1' }], ...more }] })

const legacy: readonly Case[] = [
  { name: 'nothing', object: {}, findings: [] },
  {
    name: 'a subset of nothing',
    object: { subsets: [{ ports: [{ port: 1 }] }] },
    findings: ['subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`'],
  },
  {
    name: 'the loopback',
    object: subset({ notReadyAddresses: [{ ip: '::1' }] }),
    findings: ['subsets[0].notReadyAddresses[0].ip: Invalid value: "::1": may not be in the loopback range'],
  },
  {
    name: 'several ports need names',
    object: subset({ ports: [{ port: 1 }, { name: 'b', port: 2 }] }),
    findings: ['subsets[0].ports[0].name: Required value'],
  },
  {
    name: 'what was stored stays acceptable',
    object: { subsets: [{ addresses: [{ ip: '127.0.0.1' }] }] },
    before: { subsets: [{ addresses: [{ ip: '127.0.0.1' }] }] },
    findings: [],
  },
]

const cidrs = (...list: string[]) => ({ spec: { cidrs: list } })

const ranges: readonly Case[] = [
  { name: 'both families', object: cidrs('10.0.0.0/24', 'fd00::/112'), findings: [] },
  { name: 'none', object: cidrs(), findings: ['spec.cidrs: Required value: at least one CIDR required'] },
  {
    name: 'three',
    object: cidrs('10.0.0.0/24', 'fd00::/112', '10.1.0.0/24'),
    findings: ['spec.cidrs: Invalid value: ["10.0.0.0/24","fd00::/112","10.1.0.0/24"]: may only hold up to 2 values'],
  },
  {
    name: 'two of one family',
    object: cidrs('10.0.0.0/24', '10.1.0.0/24'),
    findings: [
      'spec.cidrs: Invalid value: ["10.0.0.0/24","10.1.0.0/24"]: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64',
    ],
  },
  {
    name: 'host bits',
    object: cidrs('10.0.0.1/24'),
    findings: ['spec.cidrs[0]: Invalid value: "10.0.0.1/24": must not have bits set beyond the prefix length'],
  },
  {
    name: 'an odd form',
    object: cidrs('FD00::/112'),
    findings: ['spec.cidrs[0]: Invalid value: "FD00::/112": must be in canonical form ("fd00::/112")'],
  },
  {
    name: 'the second family is added',
    object: cidrs('10.0.0.0/24', 'fd00::/112'),
    before: cidrs('10.0.0.0/24'),
    findings: [],
  },
  {
    name: 'the second family is not put first',
    object: cidrs('fd00::/112', '10.0.0.0/24'),
    before: cidrs('10.0.0.0/24'),
    findings: ['spec.cidrs: Invalid value: ["fd00::/112","10.0.0.0/24"]: field is immutable'],
  },
  {
    name: 'nothing else changes',
    object: cidrs('10.1.0.0/24'),
    before: cidrs('10.0.0.0/24'),
    findings: ['spec.cidrs: Invalid value: ["10.1.0.0/24"]: field is immutable'],
  },
]

const parent = (more: object) => ({ spec: { parentRef: { resource: 'services', namespace: 'a', name: 'b', ...more } } })
const ip = { metadata: { name: '10.0.0.1' } }

const addresses: readonly Case[] = [
  { name: 'of a Service', object: { ...ip, ...parent({}) }, findings: [] },
  {
    name: 'a name in an odd form',
    object: { metadata: { name: '2001:DB8::1' }, ...parent({}) },
    findings: ['metadata.name: Invalid value: "2001:DB8::1": must be in canonical form ("2001:db8::1")'],
  },
  {
    name: 'a name that is no address',
    object: { metadata: { name: 'a' }, ...parent({}) },
    findings: ['metadata.name: Invalid value: "a": must be a valid IP address'],
  },
  { name: 'of nobody', object: { ...ip, spec: {} }, findings: ['spec.parentRef: Required value'] },
  {
    name: 'of something without a name',
    object: { ...ip, ...parent({ resource: '', name: '' }) },
    findings: ['spec.parentRef.resource: Required value', 'spec.parentRef.name: Required value'],
  },
  {
    name: 'the parent stays',
    object: { ...ip, ...parent({ name: 'c' }) },
    before: { ...ip, ...parent({}) },
    findings: ['spec.parentRef: Invalid value'],
  },
]

const kinds: readonly [Kind, readonly Case[]][] = [
  [EndpointSlice as unknown as Kind, slices],
  [Endpoints as unknown as Kind, legacy],
  [ServiceCIDR as unknown as Kind, ranges],
  [IPAddress as unknown as Kind, addresses],
]

for (const [kind, cases] of kinds) {
  describe(`rules of ${kind.kind}`, () => {
    const complete = (given: object): KubeObject => {
      const namespace = kind.namespaced ? { namespace: 'default' } : {}
      const object = { metadata: { name: 'a', ...namespace }, ...structuredClone(given) } as KubeObject
      applyDefaults(kind, object)
      return object
    }
    for (const { name, object, before, findings } of cases) {
      it(name, () => {
        const found = kind.validate(complete(object), before === undefined ? {} : { before: complete(before) })
        const texts = found.map(({ field, message }) => `${field}: ${message}`)
        assert.deepEqual(
          texts.map((text, index) => text.slice(0, findings[index]?.length ?? text.length)),
          findings,
        )
      })
    }
  })
}
