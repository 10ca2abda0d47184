/** The fixed part of the table: its maps and sets, its hooks, and the rules that lead a new connection to a list. */
import type { IpFamily } from '#lib/ip.ts'
import { maskIp, parseCidr, type Cidr } from '#lib/ip.ts'
import {
  bitwise,
  changeSet,
  compare,
  ctKey,
  ctState,
  ctStatusDnat,
  dnat,
  fibAddressType,
  hostBytes,
  inSet,
  loadCt,
  loadMeta,
  lookup,
  masquerade,
  metaKey,
  payload,
  random,
  reg,
  rejectPort,
  rejectReset,
  rtnLocal,
  storeCt,
  storeMeta,
  verdict,
  verdictLookup,
  type Expression,
} from '#kernel/netlink/nft-expressions.ts'
import {
  concatenatedType,
  dataType,
  nftFamily,
  setFlag,
  verdictType,
  type BaseChain,
  type SetDefinition,
} from '#kernel/netlink/nftables.ts'
import { protocolNumber, type NodeTraffic } from '../backend.ts'
import * as mark from './mark.ts'

export const tableName = 'frontdesk'

export interface Rule {
  readonly comment?: string
  readonly expressions: readonly Expression[]
}

export interface Chain {
  readonly name: string
  readonly base?: BaseChain
  readonly rules: readonly Rule[]
}

const natPriority = { destination: -100, source: 100 } as const

export function desiredSets(family: IpFamily): SetDefinition[] {
  const address = family === 'IPv4' ? dataType.ipv4 : dataType.ipv6
  const addressLength = family === 'IPv4' ? 4 : 16
  const frontEnd = {
    keyType: concatenatedType(address, dataType.protocol, dataType.port),
    keyParts: [addressLength, 1, 2],
  }
  const nodePort = { keyType: concatenatedType(dataType.protocol, dataType.port), keyParts: [1, 2] }
  const slot = { keyType: concatenatedType(dataType.mark, dataType.mark), keyParts: [4, 4] }
  const one = { keyType: dataType.mark, keyParts: [4] }
  const toMark = { type: dataType.mark, length: 4 }
  const toEndpoint = { type: concatenatedType(address, dataType.port), length: addressLength + 4 }
  return [
    { name: 'fronts', flags: setFlag.map, ...frontEnd, data: toMark },
    { name: 'nodeports', flags: setFlag.map, ...nodePort, data: toMark },
    { name: 'lists', flags: setFlag.map, ...one, data: { type: verdictType, length: 0 } },
    { name: 'slots', flags: setFlag.map, ...slot, data: toEndpoint },
    { name: 'affinity-slots', flags: setFlag.map, ...slot, data: toMark },
    { name: 'endpoints', flags: setFlag.map, ...one, data: toEndpoint },
    {
      name: 'affinity',
      flags: setFlag.map | setFlag.timeout | setFlag.eval,
      keyType: concatenatedType(address, dataType.mark),
      keyParts: [addressLength, 4],
      data: toMark,
      size: 1 << 18,
    },
    { name: 'cluster-ips', flags: 0, keyType: address, keyParts: [addressLength] },
    { name: 'no-endpoints', flags: 0, ...frontEnd },
    { name: 'no-endpoint-nodeports', flags: 0, ...nodePort },
    {
      name: 'hairpin',
      flags: 0,
      keyType: concatenatedType(address, address),
      keyParts: [addressLength, addressLength],
    },
    {
      name: 'allowed-sources',
      flags: setFlag.interval | setFlag.concat,
      keyType: concatenatedType(dataType.mark, address),
      keyParts: [4, addressLength],
    },
  ]
}

export function desiredChains(node: NodeTraffic): Chain[] {
  const family = familyTerms(node.family)
  return [
    { name: 'refuse', rules: refuseRules(nftFamily[node.family]) },
    { name: 'external-local', rules: externalLocalRules(node, family) },
    { name: 'route', rules: routeRules(node, family) },
    { name: 'dispatch', rules: dispatchRules(family) },
    base('nat-prerouting', { type: 'nat', hook: 'prerouting', priority: natPriority.destination }, [
      { expressions: [verdict({ kind: 'jump', chain: 'dispatch' })] },
    ]),
    base('nat-output', { type: 'nat', hook: 'output', priority: natPriority.destination }, [
      { expressions: [verdict({ kind: 'jump', chain: 'dispatch' })] },
    ]),
    base(
      'nat-postrouting',
      { type: 'nat', hook: 'postrouting', priority: natPriority.source },
      postroutingRules(family),
    ),
    base('filter-input', { type: 'filter', hook: 'input', priority: 0 }, [
      ...refusals(family),
      {
        comment: 'node port without endpoints',
        expressions: [
          ...isNew(),
          ...isLocal('daddr'),
          ...family.nodePortKey(0),
          inSet('no-endpoint-nodeports', reg(0)),
          ...refuse,
        ],
      },
    ]),
    base('filter-forward', { type: 'filter', hook: 'forward', priority: 0 }, [
      ...refusals(family),
      ...strayRules(node, family),
    ]),
    base('filter-output', { type: 'filter', hook: 'output', priority: 0 }, [
      ...refusals(family),
      ...strayRules(node, family),
    ]),
  ]
}

/**
 * An ICMP error comes back while a local client is still inside connect(), where the kernel ignores it (counter
 * LockDroppedIcmps): the client would learn of it only from its second SYN, a second later. A reset waits for it.
 */
function refuseRules(family: number): Rule[] {
  const isTcp = [loadMeta(metaKey.l4proto, reg(0)), compare(reg(0), 'eq', Uint8Array.of(protocolNumber.TCP))]
  return [{ expressions: [...isTcp, rejectReset()] }, { expressions: [rejectPort(family)] }]
}

const base = (name: string, hook: BaseChain, rules: Rule[]): Chain => ({ name, base: hook, rules })
const goTo = (chain: string): Expression => verdict({ kind: 'goto', chain })
const refuse = [goTo('refuse')]

interface FamilyTerms {
  readonly number: number
  readonly addressLength: number
  /** Registers that an address takes. */
  readonly width: number
  saddr(register: number): Expression
  daddr(register: number): Expression
  /** Address, protocol and port from register `at` on. */
  frontEndKey(at: number): Expression[]
  nodePortKey(at: number): Expression[]
}

function familyTerms(family: IpFamily): FamilyTerms {
  const addressLength = family === 'IPv4' ? 4 : 16
  const width = addressLength / 4
  const daddr = (at: number) => payload('network', family === 'IPv4' ? 16 : 24, addressLength, reg(at))
  const nodePortKey = (at: number) => [loadMeta(metaKey.l4proto, reg(at)), payload('transport', 2, 2, reg(at + 1))]
  return {
    number: nftFamily[family],
    addressLength,
    width,
    saddr: (at) => payload('network', family === 'IPv4' ? 12 : 8, addressLength, reg(at)),
    daddr,
    frontEndKey: (at) => [daddr(at), ...nodePortKey(at + width)],
    nodePortKey,
  }
}

function dispatchRules(family: FamilyTerms): Rule[] {
  const found = [storeMeta(metaKey.mark, reg(8)), goTo('route')]
  return [
    {
      comment: 'ClusterIPs, external IPs, load balancer IPs',
      expressions: [...family.frontEndKey(0), lookup('fronts', reg(0), reg(8)), ...found],
    },
    {
      comment: 'node ports',
      expressions: [...isLocal('daddr'), ...family.nodePortKey(0), lookup('nodeports', reg(0), reg(8)), ...found],
    },
  ]
}

function routeRules(node: NodeTraffic, family: FamilyTerms): Rule[] {
  return [
    {
      comment: 'source ranges',
      expressions: [
        ...markHas(mark.restricted),
        ...listNumber(0),
        family.saddr(1),
        inSet('allowed-sources', reg(0), true),
        verdict({ kind: 'drop' }),
      ],
    },
    {
      comment: 'nobody to answer: refused in the filter chains',
      expressions: [...markHas(mark.unserved), verdict({ kind: 'return' })],
    },
    ...(node.podCidr === undefined
      ? []
      : [
          {
            comment: 'to a ClusterIP from elsewhere than a pod of this node',
            expressions: [
              ...markHas(mark.fromOutsideMasqueraded),
              ...sourceRange(node.podCidr, family, 'neq'),
              ...addToMark(mark.masqueraded),
            ],
          },
        ]),
    { expressions: [...markHas(mark.externalLocal), goTo('external-local')] },
    { expressions: [...listNumber(0), verdictLookup('lists', reg(0))] },
    { comment: 'no endpoint on this node', expressions: [verdict({ kind: 'drop' })] },
  ]
}

/** Traffic that starts on this node reaches every endpoint; what comes from outside keeps its source and stays here. */
function externalLocalRules(node: NodeTraffic, family: FamilyTerms): Rule[] {
  const toCluster = [...listNumber(0), verdictLookup('lists', reg(0))]
  return [
    ...(node.podCidr === undefined
      ? []
      : [
          {
            comment: 'from a pod of this node',
            expressions: [...sourceRange(node.podCidr, family, 'eq'), ...toCluster],
          },
        ]),
    { comment: 'from this node', expressions: [...isLocal('saddr'), ...addToMark(mark.masqueraded), ...toCluster] },
    { expressions: [...addToMark(mark.localList), ...listNumber(0), verdictLookup('lists', reg(0))] },
    { comment: 'no endpoint on this node', expressions: [verdict({ kind: 'drop' })] },
  ]
}

function postroutingRules(family: FamilyTerms): Rule[] {
  const translated = [
    loadCt(ctKey.status, reg(0)),
    bitwise(reg(0), reg(0), hostBytes(ctStatusDnat), hostBytes(0)),
    compare(reg(0), 'neq', hostBytes(0)),
  ]
  return [
    {
      comment: 'replies must come back through this node',
      expressions: [
        ...translated,
        ...markHas(mark.masqueraded),
        loadMeta(metaKey.mark, reg(0)),
        bitwise(reg(0), reg(0), hostBytes(~mark.masqueraded >>> 0), hostBytes(0)),
        storeMeta(metaKey.mark, reg(0)),
        masquerade(true),
      ],
    },
    {
      comment: 'an endpoint that reaches itself',
      expressions: [
        ...translated,
        family.saddr(0),
        family.daddr(family.width),
        inSet('hairpin', reg(0)),
        masquerade(true),
      ],
    },
  ]
}

function refusals(family: FamilyTerms): Rule[] {
  return [
    {
      comment: 'no endpoints',
      expressions: [...isNew(), ...family.frontEndKey(0), inSet('no-endpoints', reg(0)), ...refuse],
    },
  ]
}

function strayRules(node: NodeTraffic, family: FamilyTerms): Rule[] {
  return [
    {
      comment: 'port that the Service does not have',
      expressions: [...isNew(), family.daddr(0), inSet('cluster-ips', reg(0)), ...refuse],
    },
    ...node.serviceCidrs.map((cidr) => ({
      comment: 'ClusterIP that no Service has',
      expressions: [...isNew(), ...inRange(family.daddr(0), cidr, 'eq'), verdict({ kind: 'drop' })],
    })),
  ]
}

/** Which chain spreads connections over a list of so many endpoints. */
export const listChain = (count: number, affinitySeconds: number): string =>
  affinitySeconds === 0 ? `lb-${count}` : `lb-${count}-for-${affinitySeconds}s`

export function parseListChain(name: string): { count: number; affinitySeconds: number } | undefined {
  const match = /^lb-(\d+)(?:-for-(\d+)s)?$/.exec(name)
  return match ? { count: Number(match[1]), affinitySeconds: Number(match[2] ?? 0) } : undefined
}

export function listChainRules(family: IpFamily, count: number, affinitySeconds: number): Rule[] {
  const terms = familyTerms(family)
  // The second choice matters when a list shrinks between two lookups of one packet: slot 0 always exists.
  const choices = [
    { modulus: count, comment: undefined },
    { modulus: 1, comment: 'the list has just shrunk' },
  ]
  const choose = (modulus: number, map: string, dreg: number) => [
    ...listNumber(0),
    random(modulus, reg(1)),
    lookup(map, reg(0), dreg),
  ]
  const translate = dnat(terms.number, reg(8), reg(8 + terms.width))
  const drop = { expressions: [verdict({ kind: 'drop' })] }
  if (affinitySeconds === 0) {
    return [
      ...choices.map(({ modulus, comment }) => ({
        ...(comment && { comment }),
        expressions: [...choose(modulus, 'slots', reg(8)), translate],
      })),
      drop,
    ]
  }
  const clientKey = [terms.saddr(0), ...listNumber(terms.width)]
  const toChosen = [loadCt(ctKey.mark, reg(0)), lookup('endpoints', reg(0), reg(8)), translate]
  const remember = (operation: 'update' | 'delete', timeoutMs: number) => [
    ...clientKey,
    loadCt(ctKey.mark, reg(12)),
    changeSet('affinity', operation, reg(0), reg(12), timeoutMs),
  ]
  const timeoutMs = affinitySeconds * 1000
  return [
    {
      comment: 'a client that was here before',
      expressions: [
        ...clientKey,
        lookup('affinity', reg(0), reg(12)),
        storeCt(ctKey.mark, reg(12)),
        ...remember('update', timeoutMs),
        ...toChosen,
      ],
    },
    ...choices.flatMap(({ modulus, comment }) => [
      {
        ...(comment && { comment }),
        expressions: [...choose(modulus, 'affinity-slots', reg(12)), storeCt(ctKey.mark, reg(12))],
      },
      // Updating an element refreshes its time but keeps its data: it has to go first. A full map must not stop us.
      { expressions: remember('delete', 0) },
      { expressions: remember('update', timeoutMs) },
      { expressions: toChosen },
    ]),
    drop,
  ]
}

const markHas = (bit: number): Expression[] => [
  loadMeta(metaKey.mark, reg(0)),
  bitwise(reg(0), reg(0), hostBytes(bit), hostBytes(0)),
  compare(reg(0), 'eq', hostBytes(bit)),
]

const addToMark = (bit: number): Expression[] => [
  loadMeta(metaKey.mark, reg(0)),
  bitwise(reg(0), reg(0), hostBytes(~bit >>> 0), hostBytes(bit)),
  storeMeta(metaKey.mark, reg(0)),
]

const listNumber = (at: number): Expression[] => [
  loadMeta(metaKey.mark, reg(at)),
  bitwise(reg(at), reg(at), hostBytes(mark.listMask), hostBytes(0)),
]

const isLocal = (direction: 'saddr' | 'daddr'): Expression[] => [
  fibAddressType(direction, reg(0)),
  compare(reg(0), 'eq', hostBytes(rtnLocal)),
]

const isNew = (): Expression[] => [
  loadCt(ctKey.state, reg(0)),
  bitwise(reg(0), reg(0), hostBytes(ctState.new), hostBytes(0)),
  compare(reg(0), 'neq', hostBytes(0)),
]

const sourceRange = (cidr: string, family: FamilyTerms, operation: 'eq' | 'neq') =>
  inRange(family.saddr(0), cidr, operation)

function inRange(load: Expression, text: string, operation: 'eq' | 'neq'): Expression[] {
  const cidr = parseCidr(text)
  if (!cidr) throw new Error(`Cannot read the range ${JSON.stringify(text)}`)
  const { bytes } = maskIp(cidr.base, cidr.prefixLength)
  return [
    load,
    bitwise(reg(0), reg(0), prefixMask(cidr), new Uint8Array(bytes.length)),
    compare(reg(0), operation, bytes),
  ]
}

const prefixMask = (cidr: Cidr): Uint8Array =>
  maskIp({ family: cidr.base.family, bytes: cidr.base.bytes.map(() => 255) }, cidr.prefixLength).bytes
