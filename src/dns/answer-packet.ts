/** From the bytes of a query to the bytes of its answer. */
import type { Log } from '#observe/log.ts'
import { decodeHeader, decodeMessage } from './decode-message.ts'
import { encodeMessage } from './encode-message.ts'
import type { Forwarder } from './forwarder.ts'
import { type DnsMessage, lowerName, type Question, rcodes, type ResourceRecord } from './message.ts'
import { planResponse } from './plan-response.ts'
import { renderHeaderReply, renderReply, udpBytesFor } from './render-reply.ts'
import type { Zone } from './zone.ts'

export type Transport = 'udp' | 'tcp'

/** Cluster names are answered at once, others later; undefined: nothing is to be said. Never throws or rejects. */
export type AnswerPacket = (
  packet: Uint8Array,
  transport: Transport,
) => Uint8Array | undefined | Promise<Uint8Array | undefined>

export interface AnswerOptions {
  readonly zone: Zone
  readonly forwarder: Pick<Forwarder, 'resolve'>
  readonly isSynced: () => boolean
  readonly log: Log
}

export function createAnswerPacket({ zone, forwarder, isSynced, log }: AnswerOptions): AnswerPacket {
  let turn = 0

  const answer = (query: DnsMessage): DnsMessage | undefined | Promise<DnsMessage> => {
    turn = (turn + 1) >>> 0
    const plan = planResponse(query, { zone, isSynced: isSynced(), turn })
    switch (plan.kind) {
      case 'reply':
        return plan.reply
      case 'ignore':
        return undefined
      case 'forward':
        return forward(query, plan.question)
      case 'chase':
        return chase(query, plan.reply, plan.target)
      default:
        return plan satisfies never
    }
  }

  const forward = async (query: DnsMessage, question: Question): Promise<DnsMessage> => {
    const response = await forwarder.resolve(question, flagsOf(query))
    if (!response) return renderReply(query, { rcode: rcodes.SERVFAIL })
    const { rcode, truncated, authorities, additionals } = response
    const answers = response.answers.map((record) => respelled(record, question.name))
    return renderReply(query, { rcode: rcode & 15, truncated, answers, authorities, additionals })
  }

  /** A target that cannot be resolved leaves the alias alone in the answer, as CoreDNS has it: the alias is true. */
  const chase = async (query: DnsMessage, reply: DnsMessage, target: string): Promise<DnsMessage> => {
    const response = await forwarder.resolve({ ...query.questions[0]!, name: target }, flagsOf(query))
    if (!response) return reply
    const rcode = response.rcode === rcodes.NXDOMAIN ? rcodes.NXDOMAIN : rcodes.NOERROR
    return { ...reply, rcode, truncated: response.truncated, answers: [...reply.answers, ...response.answers] }
  }

  const encode = (reply: DnsMessage | undefined, query: DnsMessage, transport: Transport): Uint8Array | undefined =>
    reply && encodeMessage(reply, transport === 'udp' ? udpBytesFor(query) : undefined)

  const failure = (query: DnsMessage, error: unknown): Uint8Array => {
    log.error({ err: error, questions: query.questions }, 'Cannot answer a DNS query')
    return encodeMessage(renderReply(query, { rcode: rcodes.SERVFAIL }))
  }

  return (packet, transport) => {
    const query = decodeMessage(packet)
    if (!query) return formatError(packet)
    try {
      const reply = answer(query)
      if (!(reply instanceof Promise)) return encode(reply, query, transport)
      return reply.then((later) => encode(later, query, transport)).catch((error: unknown) => failure(query, error))
    } catch (error) {
      return failure(query, error)
    }
  }
}

function formatError(packet: Uint8Array): Uint8Array | undefined {
  const header = decodeHeader(packet)
  if (!header || header.isResponse) return undefined
  return encodeMessage(renderHeaderReply(header, rcodes.FORMERR))
}

function flagsOf(query: DnsMessage): { checkingDisabled: boolean; dnssecOk: boolean } {
  return { checkingDisabled: query.checkingDisabled, dnssecOk: query.edns?.dnssecOk ?? false }
}

/** The asker wants to see the name in its own spelling; an answer shared or cached may have another's. */
function respelled(record: ResourceRecord, name: string): ResourceRecord {
  return record.name !== name && lowerName(record.name) === lowerName(name) ? { ...record, name } : record
}
