/** The fixed chains of the table: its hooks, and the rules that lead a new connection to a list of endpoints. */
import {
  bitwise,
  compare,
  ctKey,
  ctStatusDnat,
  hostBytes,
  inSet,
  loadCt,
  loadMeta,
  lookup,
  masquerade,
  metaKey,
  reg,
  rejectPort,
  rejectReset,
  storeCt,
  storeMeta,
  verdict,
  verdictLookup,
  type Expression,
} from '#kernel/netlink/nft-expressions.ts'
import { nftFamily, type BaseChain } from '#kernel/netlink/nftables.ts'
import { protocolNumber, type NodeTraffic } from '../backend.ts'
import * as mark from './mark.ts'
import {
  addToMark,
  familyTerms,
  inRange,
  isLocal,
  isNew,
  listNumber,
  markHas,
  nobodyChain,
  sourceRange,
  type FamilyTerms,
  type Rule,
} from './rule-terms.ts'

export const tableName = 'frontdesk'

export interface Chain {
  readonly name: string
  readonly base?: BaseChain
  readonly rules: readonly Rule[]
}

const natPriority = { destination: -100, source: 100 } as const

export function desiredChains(node: NodeTraffic): Chain[] {
  const family = familyTerms(node.family)
  return [
    { name: 'refuse', rules: refuseRules(nftFamily[node.family]) },
    { name: nobodyChain, rules: nobodyRules(node, family) },
    { name: 'to-list', rules: toListRules },
    { name: 'external-local', rules: externalLocalRules(node, family) },
    { name: 'route', rules: routeRules(node, family) },
    { name: 'dispatch', rules: dispatchRules(node, family) },
    // Refusals too: a chain at the forward hook would see every packet of every stream, a nat chain sees only the first.
    base('nat-prerouting', { type: 'nat', hook: 'prerouting', priority: natPriority.destination }, [
      { expressions: [verdict({ kind: 'jump', chain: 'dispatch' })] },
      ...refusals(family, []),
      ...strayRules(node, family, []),
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
      ...refusals(family, isNew()),
      ...toNodePorts(node, family).map((condition) => ({
        comment: 'node port without endpoints',
        expressions: [
          ...isNew(),
          ...condition,
          ...family.nodePortKey(0),
          inSet('no-endpoint-nodeports', reg(0)),
          ...refuse,
        ],
      })),
    ]),
    base('filter-output', { type: 'filter', hook: 'output', priority: 0 }, [
      ...refusals(family, isNew()),
      ...strayRules(node, family, isNew()),
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
function goTo(chain: string): Expression {
  return verdict({ kind: 'goto', chain })
}
const refuse = [goTo('refuse')]

function dispatchRules(node: NodeTraffic, family: FamilyTerms): Rule[] {
  const found = [storeMeta(metaKey.mark, reg(8)), goTo('route')]
  return [
    {
      comment: 'ClusterIPs, external IPs, load balancer IPs',
      expressions: [...family.frontEndKey(0), lookup('fronts', reg(0), reg(8)), ...found],
    },
    ...toNodePorts(node, family).map((condition) => ({
      comment: 'node ports',
      expressions: [...condition, ...family.nodePortKey(0), lookup('nodeports', reg(0), reg(8)), ...found],
    })),
  ]
}

/** Where node ports answer, as alternatives: at any address of the node, or at those of chosen ranges. */
function toNodePorts({ nodePortAddresses }: NodeTraffic, family: FamilyTerms): Expression[][] {
  if (!nodePortAddresses) return [isLocal('daddr')]
  return nodePortAddresses.map((range) => [...isLocal('daddr'), ...inRange(family.daddr(0), range, 'eq')])
}

const toList: readonly Expression[] = [goTo('to-list')]

/**
 * The connection mark passes the shape from one map to the next: `nft` cannot print a rule that does it in a register.
 * A map of verdicts for each list would do with one step, but the kernel walks all of such a map at every change.
 */
const toListRules: readonly Rule[] = [
  {
    comment: 'most lists: the front end says how many endpoints they have',
    expressions: [
      loadMeta(metaKey.mark, reg(0)),
      bitwise(reg(0), reg(0), hostBytes(mark.lengthMask), hostBytes(0)),
      verdictLookup('spreads', reg(0)),
    ],
  },
  {
    comment: 'long lists, affinity, lists chosen by where a connection comes from',
    expressions: [
      ...listNumber(0),
      lookup('lists', reg(0), reg(8)),
      storeCt(ctKey.mark, reg(8)),
      loadCt(ctKey.mark, reg(0)),
      verdictLookup('spreads', reg(0)),
    ],
  },
  { expressions: [goTo(nobodyChain)] },
]

function routeRules(node: NodeTraffic, family: FamilyTerms): Rule[] {
  return [
    ...usualRules(node, family),
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
      comment: 'nobody to answer: left to the refusals',
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
    { expressions: toList },
  ]
}

/** Most connections need none of the rules that follow: a hundredth less time for each of them. */
function usualRules({ podCidr }: NodeTraffic, family: FamilyTerms): Rule[] {
  if (podCidr === undefined) return []
  const clusterIpOnly = [
    loadMeta(metaKey.mark, reg(0)),
    bitwise(reg(0), reg(0), hostBytes(~(mark.listMask | mark.lengthMask) >>> 0), hostBytes(0)),
    compare(reg(0), 'eq', hostBytes(mark.fromOutsideMasqueraded)),
  ]
  return [
    {
      comment: 'the usual: a pod of this node to a ClusterIP with endpoints',
      expressions: [...clusterIpOnly, ...sourceRange(podCidr, family, 'eq'), ...toList],
    },
  ]
}

/** Traffic that starts on this node reaches every endpoint; what comes from outside keeps its source and stays here. */
function externalLocalRules(node: NodeTraffic, family: FamilyTerms): Rule[] {
  return [
    ...(node.podCidr === undefined
      ? []
      : [
          {
            comment: 'from a pod of this node',
            expressions: [...sourceRange(node.podCidr, family, 'eq'), ...toList],
          },
        ]),
    { comment: 'from this node', expressions: [...isLocal('saddr'), ...addToMark(mark.masqueraded), ...toList] },
    { expressions: [...addToMark(mark.localList), ...toList] },
  ]
}

/**
 * The list or its first slot is not there: nobody on this node, which is silence. Or the last endpoint of all has gone
 * since this packet's front end was looked up, as every look-up sees the newest elements: left to the refusals.
 */
function nobodyRules(node: NodeTraffic, family: FamilyTerms): Rule[] {
  return [
    ...toNodePorts(node, family).map((condition) => ({
      comment: 'node port whose last endpoint has just gone',
      expressions: [
        ...condition,
        ...family.nodePortKey(0),
        inSet('no-endpoint-nodeports', reg(0)),
        verdict({ kind: 'return' }),
      ],
    })),
    {
      comment: 'no endpoint on this node',
      expressions: [...family.frontEndKey(0), inSet('no-endpoints', reg(0), true), verdict({ kind: 'drop' })],
    },
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

function refusals(family: FamilyTerms, condition: readonly Expression[]): Rule[] {
  return [
    {
      comment: 'no endpoints',
      expressions: [...condition, ...family.frontEndKey(0), inSet('no-endpoints', reg(0)), ...refuse],
    },
  ]
}

function strayRules(node: NodeTraffic, family: FamilyTerms, condition: readonly Expression[]): Rule[] {
  return [
    {
      comment: 'port that the Service does not have',
      expressions: [...condition, family.daddr(0), inSet('cluster-ips', reg(0)), ...refuse],
    },
    ...node.serviceCidrs.map((cidr) => ({
      comment: 'ClusterIP that no Service has',
      expressions: [...condition, ...inRange(family.daddr(0), cidr, 'eq'), verdict({ kind: 'drop' })],
    })),
  ]
}
