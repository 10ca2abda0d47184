/** The test peer comes without types; only what the tests use is declared. */
declare module 'dns-packet' {
  export interface PeerRecord {
    readonly type: string
    readonly name: string
    readonly ttl?: number
    readonly data?: unknown
  }
  export interface PeerMessage {
    readonly type?: 'query' | 'response'
    readonly id?: number
    readonly flags?: number
    readonly rcode?: string
    readonly flag_tc?: boolean
    readonly flag_aa?: boolean
    readonly questions?: readonly { readonly type: string; readonly name: string }[]
    readonly answers?: readonly PeerRecord[]
    readonly authorities?: readonly PeerRecord[]
    readonly additionals?: readonly (PeerRecord & { readonly udpPayloadSize?: number })[]
  }
  export const RECURSION_DESIRED: number
  export const AUTHORITATIVE_ANSWER: number
  export function encode(message: PeerMessage): Uint8Array
  export function decode(packet: Uint8Array): PeerMessage
}
