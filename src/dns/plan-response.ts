/** What to do about a query: the whole reply from the zone, or which name must be asked of another server. */
import {
  classes,
  type DnsMessage,
  lowerName,
  type Question,
  rcodes,
  recordTypes,
  type RecordData,
  type ResourceRecord,
  typeCodeOf,
} from './message.ts'
import { renderReply } from './render-reply.ts'
import type { SearchPath } from './search-path.ts'
import { selectSearchStep } from './select-search-step.ts'
import { type Basis, type Zone, type ZoneNode, zoneTtlSeconds } from './zone.ts'

export type ResponsePlan =
  | {
      readonly kind: 'reply'
      readonly reply: DnsMessage
      /** The reply stays the same while these are current; absent: it may change at any time. */
      readonly bases?: readonly Basis[]
      /** In how many orders the same records are given in turn. */
      readonly orders?: number
      /** Pods of this namespace may get another answer than the rest. */
      readonly namespace?: string
      /** The asker's search ended here. */
      readonly isSearched?: boolean
    }
  /** `reply` (the name does not exist), unless one of `names` has addresses outside, where the asker's search ends. */
  | { readonly kind: 'search'; readonly reply: DnsMessage; readonly names: readonly string[] }
  /** Nothing of ours: the question goes to the upstream servers as it is. */
  | { readonly kind: 'forward'; readonly question: Question }
  /** The reply so far ends in a CNAME to `target`, whose records the upstream servers know. */
  | { readonly kind: 'chase'; readonly reply: DnsMessage; readonly target: string }
  /** Answering would be wrong whatever we say. */
  | { readonly kind: 'ignore' }

export interface ResponseContext {
  readonly zone: Zone
  /** Until the caches are filled a name that is missing may yet exist. */
  readonly isSynced: boolean
  /** Counts up: which of several addresses stands first. */
  readonly turn: number
  /** How the asker searches; absent: unknown, or not to be helped. */
  readonly path?: SearchPath | undefined
  /** So many records are more than the reply can carry: the rest is not looked at. Absent: it may carry any number. */
  readonly maxRecords?: number | undefined
}

export function planResponse(query: DnsMessage, context: ResponseContext): ResponsePlan {
  // answering answers is how two servers talk to each other for ever
  if (query.isResponse) return { kind: 'ignore' }
  const reply = (rcode: number): ResponsePlan => ({ kind: 'reply', reply: renderReply(query, { rcode }) })
  if (query.opcode !== 0) return reply(rcodes.NOTIMP)
  const question = query.questions[0]
  if (!question || query.questions.length > 1) return reply(rcodes.FORMERR)
  if (query.edns && query.edns.version > 0) return reply(rcodes.BADVERS)
  if (question.class !== classes.IN && question.class !== classes.ANY) return reply(rcodes.REFUSED)
  if (question.type === recordTypes.AXFR || question.type === recordTypes.IXFR) return reply(rcodes.REFUSED)
  return planAnswer(query, question, context)
}

const maxAliases = 10

function planAnswer(query: DnsMessage, question: Question, context: ResponseContext): ResponsePlan {
  const { zone } = context
  const answers: ResourceRecord[] = []
  const trail: Trail = { bases: [], isLasting: true }
  let owner = question.name
  let isSearched = false
  for (let hop = 0; hop <= maxAliases; hop++) {
    const name = lowerName(owner)
    const node = zone.find(name)
    if (node.kind === 'foreign') {
      if (hop > 0) return { kind: 'chase', target: owner, reply: renderReply(query, { authoritative: true, answers }) }
      return isSearchArtefact(name, zone.domain)
        ? { kind: 'reply', reply: renderReply(query, { rcode: rcodes.NXDOMAIN }) }
        : { kind: 'forward', question }
    }
    if (!context.isSynced) return { kind: 'reply', reply: renderReply(query, { rcode: rcodes.SERVFAIL }) }
    follow(trail, node.basis)
    let alias = aliasOf(node, question.type)
    const namespace = hop === 0 ? searchedNamespace(name, node, question, zone) : undefined
    if (namespace !== undefined && context.path?.namespace === namespace) {
      const step = selectSearchStep(name, zone, context.path)
      if (step.kind === 'outside') {
        return {
          kind: 'search',
          names: step.names,
          reply: finalReply(query, { node, owner, answers, context, type: 1 }),
        }
      }
      for (const basis of step.bases) follow(trail, basis)
      if (step.kind === 'inside') {
        alias = step.name
        isSearched = true
      }
    }
    if (!alias) {
      const hopEnd = { node, owner, answers, context, type: question.type }
      const reply = finalReply(query, hopEnd)
      const orders = isRotated(question.type) ? Math.max(1, reply.answers.length - answers.length) : 1
      const searched = isSearched ? namespaceOf(lowerName(question.name), zone) : namespace
      return {
        kind: 'reply',
        reply,
        orders,
        isSearched,
        ...(trail.isLasting && { bases: trail.bases }),
        ...(searched !== undefined && { namespace: searched }),
      }
    }
    answers.push({ name: owner, ttlSeconds: zoneTtlSeconds, type: 'CNAME', target: alias })
    owner = alias
  }
  return { kind: 'reply', reply: renderReply(query, { rcode: rcodes.SERVFAIL, authoritative: true, answers }) }
}

/** What the answer was made from so far. */
interface Trail {
  readonly bases: Basis[]
  isLasting: boolean
}

function follow(trail: Trail, basis: Basis | undefined): void {
  if (!basis) trail.isLasting = false
  else if (!trail.bases.includes(basis)) trail.bases.push(basis)
}

/** The namespace whose pods may have searched when they asked for this; undefined: the answer is the same for all. */
function searchedNamespace(name: string, node: ZoneNode, { type }: Question, zone: Zone): string | undefined {
  if (node.kind !== 'unknown' || (type !== recordTypes.A && type !== recordTypes.AAAA)) return undefined
  return namespaceOf(name, zone)
}

function namespaceOf(name: string, zone: Zone): string | undefined {
  const suffix = `.svc.${zone.domain}`
  if (!name.endsWith(suffix)) return undefined
  return name.slice(name.lastIndexOf('.', name.length - suffix.length - 1) + 1, -suffix.length)
}

function aliasOf(node: ZoneNode, type: number): string | undefined {
  const first = node.kind === 'name' ? node.records[0] : undefined
  return first?.type === 'CNAME' && type !== recordTypes.CNAME ? first.target : undefined
}

interface FinalHop {
  readonly node: Exclude<ZoneNode, { kind: 'foreign' }>
  readonly owner: string
  /** The aliases that led here. */
  readonly answers: readonly ResourceRecord[]
  readonly context: ResponseContext
  readonly type: number
}

function finalReply(query: DnsMessage, { node, owner, answers, context, type }: FinalHop): DnsMessage {
  const { zone, turn, maxRecords } = context
  const found = node.kind === 'name' ? node.records.filter((record) => typeCodeOf(record) === type) : []
  if (found.length === 0) {
    return renderReply(query, {
      rcode: node.kind === 'unknown' ? rcodes.NXDOMAIN : rcodes.NOERROR,
      authoritative: true,
      answers,
      authorities: [{ name: node.apex, ttlSeconds: zoneTtlSeconds, ...zone.soa(node.apex) }],
    })
  }
  const ordered = isRotated(type) ? rotate(found, turn) : found
  const records = ordered.slice(0, maxRecords).map((record) => resourceRecord(owner, record))
  return renderReply(query, {
    authoritative: true,
    answers: [...answers, ...records],
    additionals: addressesOfTargets(records, zone),
  })
}

/** TXT `dns-version` hardly ever changes; the specification's servers give it eight hours. */
const versionTtlSeconds = 28_800

function resourceRecord(name: string, data: RecordData): ResourceRecord {
  return { name, ttlSeconds: data.type === 'TXT' ? versionTtlSeconds : zoneTtlSeconds, ...data }
}

/** Names of an address stay in order: who asks takes the first, which shall be the same every time. */
const isRotated = (type: number): boolean => type !== recordTypes.PTR

/** Clients mostly take the first address: each gets its turn. */
function rotate<T>(items: readonly T[], turn: number): readonly T[] {
  const start = turn % items.length
  return start === 0 ? items : [...items.slice(start), ...items.slice(0, start)]
}

function addressesOfTargets(records: readonly ResourceRecord[], zone: Zone): ResourceRecord[] {
  const targets = new Set(
    records.flatMap((record) => (record.type === 'SRV' || record.type === 'NS' ? record.target : [])),
  )
  return [...targets].flatMap((target) => {
    const node = zone.find(target)
    if (node.kind !== 'name') return []
    return node.records
      .filter(({ type }) => type === 'A' || type === 'AAAA')
      .map((data): ResourceRecord => ({ name: target, ttlSeconds: zoneTtlSeconds, ...data }))
  })
}

/**
 * `web.default.svc.cluster.local.example.com`: a full cluster name with one of the host's search domains behind it. No
 * such name exists; asking for it costs a round trip outside, or a time-out where there is no outside.
 */
function isSearchArtefact(name: string, domain: string): boolean {
  return name.includes(`.svc.${domain}.`)
}
