/** Replies as values: what every reply takes over from its query. */
import { type DnsHeader } from './decode-message.ts'
import { type DnsMessage, rcodes } from './message.ts'

/** Larger datagrams may be fragmented on the way (DNS flag day 2020). */
export const maxUdpBytes = 1232
export const minUdpBytes = 512
/** More than fit: a record has at least 16 bytes. So a reply with so many is cut, and says so. */
export const maxUdpRecords = 100

export type ReplyFields = Partial<
  Pick<
    DnsMessage,
    'rcode' | 'authoritative' | 'authenticData' | 'truncated' | 'answers' | 'authorities' | 'additionals'
  >
>

export function renderReply(query: DnsMessage, fields: ReplyFields): DnsMessage {
  return {
    id: query.id,
    isResponse: true,
    opcode: query.opcode,
    authoritative: false,
    truncated: false,
    recursionDesired: query.recursionDesired,
    recursionAvailable: true,
    authenticData: false,
    checkingDisabled: query.checkingDisabled,
    rcode: rcodes.NOERROR,
    questions: query.questions,
    answers: [],
    authorities: [],
    additionals: [],
    ...(query.edns && { edns: { udpPayloadSize: maxUdpBytes, version: 0, dnssecOk: query.edns.dnssecOk } }),
    ...fields,
  }
}

/** The reply to a message of which only the header could be read. */
export function renderHeaderReply(header: DnsHeader, rcode: number): DnsMessage {
  const query = { ...emptyQuery, id: header.id, opcode: header.opcode, recursionDesired: header.recursionDesired }
  return renderReply(query, { rcode })
}

/** How long a datagram the asker takes. */
export function udpBytesFor(query: DnsMessage): number {
  return Math.min(maxUdpBytes, Math.max(minUdpBytes, query.edns?.udpPayloadSize ?? minUdpBytes))
}

export const emptyQuery: DnsMessage = {
  id: 0,
  isResponse: false,
  opcode: 0,
  authoritative: false,
  truncated: false,
  recursionDesired: true,
  recursionAvailable: false,
  authenticData: false,
  checkingDisabled: false,
  rcode: rcodes.NOERROR,
  questions: [],
  answers: [],
  authorities: [],
  additionals: [],
}
