/** From the bytes of a query to the bytes of its answer. */
import type { Log } from '#observe/log.ts'
import { type AnswerMemo, memoKeyOf } from './answer-memo.ts'
import type { Asker } from './askers.ts'
import { decodeHeader, decodeMessage } from './decode-message.ts'
import { encodeMessage } from './encode-message.ts'
import type { ForwardFlags, Forwarder } from './forwarder.ts'
import { type DnsMessage, headerBytes, lowerName, type Question, rcodes, type ResourceRecord } from './message.ts'
import { planResponse, type ResponsePlan } from './plan-response.ts'
import { countRcode } from './query-counts.ts'
import { maxUdpRecords, renderHeaderReply, renderReply, udpBytesFor } from './render-reply.ts'
import type { SearchOutside } from './search-outside.ts'
import { type Zone, zoneTtlSeconds } from './zone.ts'

export type Transport = 'udp' | 'tcp'

/** Cluster names are answered at once, others later; undefined: nothing is to be said. Never throws or rejects. */
export type AnswerPacket = (
  packet: Uint8Array,
  transport: Transport,
  asker: Asker,
) => Uint8Array | undefined | Promise<Uint8Array | undefined>

export interface AnswerOptions {
  readonly zone: Zone
  readonly forwarder: Pick<Forwarder, 'resolve'>
  readonly searchOutside: Pick<SearchOutside, 'decide'>
  readonly isSynced: () => boolean
  /** Takes what may be given again as it is, to whoever reads datagrams. */
  readonly memo?: AnswerMemo
  readonly log: Log
}

type Replied = DnsMessage | undefined

export function createAnswerPacket(options: AnswerOptions): AnswerPacket {
  const { zone, forwarder, searchOutside, isSynced, memo, log } = options
  let turn = 0

  const later = (plan: Exclude<ResponsePlan, { kind: 'reply' | 'ignore' }>, query: DnsMessage, asker: Asker) => {
    switch (plan.kind) {
      case 'forward':
        return forward(query, plan.question, asker)
      case 'chase':
        return chase(query, plan.reply, plan.target, asker)
      case 'search':
        return search(query, plan.reply, plan.names, asker)
      default:
        return plan satisfies never
    }
  }

  const forward = async (query: DnsMessage, question: Question, asker: Asker): Promise<DnsMessage> => {
    asker.counts.forwarded++
    const response = await forwarder.resolve(question, flagsOf(query))
    if (!response) return renderReply(query, { rcode: rcodes.SERVFAIL })
    const { rcode, truncated, authorities, additionals } = response
    const answers = response.answers.map((record) => respelled(record, question.name))
    const authenticData = response.authenticData && (query.authenticData || query.edns?.dnssecOk === true)
    return renderReply(query, { rcode: rcode & 15, authenticData, truncated, answers, authorities, additionals })
  }

  /** A target that cannot be resolved leaves the alias alone in the answer, as CoreDNS has it: the alias is true. */
  const chase = async (query: DnsMessage, reply: DnsMessage, target: string, asker: Asker): Promise<DnsMessage> => {
    asker.counts.forwarded++
    const response = await forwarder.resolve({ ...query.questions[0]!, name: target }, flagsOf(query))
    if (!response) return reply
    const rcode = response.rcode === rcodes.NXDOMAIN ? rcodes.NXDOMAIN : rcodes.NOERROR
    const { truncated, answers } = response
    // of a target that does not exist, or not so: for how long (RFC 2308)
    const authorities = response.authorities.filter(({ type }) => type === 'SOA')
    return { ...reply, rcode, truncated, answers: [...reply.answers, ...answers], authorities }
  }

  const search = async (
    query: DnsMessage,
    reply: DnsMessage,
    names: readonly string[],
    asker: Asker,
  ): Promise<DnsMessage> => {
    const question = query.questions[0]!
    asker.counts.forwarded++
    const name = await searchOutside.decide(names, question.type, flagsOf(query))
    if (name === undefined) return reply
    asker.counts.searched++
    const response = await forwarder.resolve({ ...question, name }, flagsOf(query))
    if (!response) return renderReply(query, { rcode: rcodes.SERVFAIL })
    const alias: ResourceRecord = { name: question.name, ttlSeconds: zoneTtlSeconds, type: 'CNAME', target: name }
    const { truncated, authorities, answers } = response
    const rcode = response.rcode === rcodes.NXDOMAIN ? rcodes.NOERROR : response.rcode & 15
    return renderReply(query, { rcode, truncated, answers: [alias, ...answers], authorities })
  }

  const finish = (reply: Replied, query: DnsMessage, transport: Transport, asker: Asker): Uint8Array | undefined => {
    if (!reply) return undefined
    countRcode(asker.counts, reply.rcode)
    return encodeMessage(reply, transport === 'udp' ? udpBytesFor(query) : undefined)
  }

  const failure = (query: DnsMessage, error: unknown): Uint8Array => {
    log.error({ err: error, questions: query.questions }, 'Cannot answer a DNS query')
    return encodeMessage(renderReply(query, { rcode: rcodes.SERVFAIL }))
  }

  return (packet, transport, asker) => {
    const query = decodeMessage(packet)
    if (!query) return formatError(packet)
    try {
      turn = (turn + 1) >>> 0
      const maxRecords = transport === 'udp' ? maxUdpRecords : undefined
      const plan = planResponse(query, { zone, isSynced: isSynced(), turn, path: asker.path, maxRecords })
      if (plan.kind === 'ignore') return undefined
      if (plan.kind !== 'reply') {
        return later(plan, query, asker)
          .then((reply) => finish(reply, query, transport, asker))
          .catch((error: unknown) => failure(query, error))
      }
      if (plan.isSearched) asker.counts.searched++
      const answer = finish(plan.reply, query, transport, asker)
      if (memo && answer && transport === 'udp') remember(memo, packet, answer, { plan, query, asker })
      return answer
    } catch (error) {
      return failure(query, error)
    }
  }
}

interface Made {
  readonly plan: Extract<ResponsePlan, { kind: 'reply' }>
  readonly query: DnsMessage
  readonly asker: Asker
}

const maxOrders = 16
const optBytes = 11
/** From the serial number to the end of a SOA record. */
const soaTailBytes = 20

function remember(memo: AnswerMemo, packet: Uint8Array, answer: Uint8Array, { plan, query, asker }: Made): void {
  const { bases, orders = 1, namespace, reply, isSearched = false } = plan
  if (!bases || orders > maxOrders || !isPlain(packet, query)) return
  const isCut = (answer[2]! & 2) !== 0
  const hasSoa = !isCut && reply.authorities.at(-1)?.type === 'SOA' && reply.additionals.length === 0
  const packets = [answer]
  for (let order = 1; order < orders; order++) {
    packets.push(encodeMessage({ ...reply, answers: rotateLast(reply.answers, orders, order) }, udpBytesFor(query)))
  }
  memo.set(memoKeyOf(packet), {
    bases,
    packets,
    turn: 0,
    serialAt: hasSoa ? answer.length - soaTailBytes - (reply.edns ? optBytes : 0) : 0,
    rcode: reply.rcode,
    namespace,
    path: namespace !== undefined && asker.path?.namespace === namespace ? asker.path : undefined,
    isSearched,
  })
}

/** One question and nothing else, at most an OPT record without options: cookies would make every query another one. */
function isPlain(packet: Uint8Array, query: DnsMessage): boolean {
  let at = headerBytes
  while (packet[at] !== 0 && at < packet.length) at += packet[at]! + 1
  return packet.length === at + 5 + (query.edns ? optBytes : 0)
}

/** The last `count` records, another of them first. Aliases stay before them. */
function rotateLast(records: readonly ResourceRecord[], count: number, by: number): ResourceRecord[] {
  const start = records.length - count
  const last = records.slice(start)
  return [...records.slice(0, start), ...last.slice(by), ...last.slice(0, by)]
}

function formatError(packet: Uint8Array): Uint8Array | undefined {
  const header = decodeHeader(packet)
  if (!header || header.isResponse) return undefined
  return encodeMessage(renderHeaderReply(header, rcodes.FORMERR))
}

function flagsOf(query: DnsMessage): ForwardFlags {
  return { checkingDisabled: query.checkingDisabled, dnssecOk: query.edns?.dnssecOk ?? false }
}

/** The asker wants to see the name in its own spelling; an answer shared or cached may have another's. */
function respelled(record: ResourceRecord, name: string): ResourceRecord {
  return record.name !== name && lowerName(record.name) === lowerName(name) ? { ...record, name } : record
}
