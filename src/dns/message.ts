/**
 * A DNS message as a value (RFC 1035, 2782, 6891). Names are presentation text without the final dot (the root is '');
 * dots, backslashes and unprintable bytes inside a label are escaped as `\.`, `\\` and `\DDD`.
 */

export interface DnsMessage {
  readonly id: number
  readonly isResponse: boolean
  readonly opcode: number
  readonly authoritative: boolean
  readonly truncated: boolean
  readonly recursionDesired: boolean
  readonly recursionAvailable: boolean
  readonly authenticData: boolean
  readonly checkingDisabled: boolean
  /** With the upper eight bits that EDNS adds. */
  readonly rcode: number
  readonly questions: readonly Question[]
  readonly answers: readonly ResourceRecord[]
  readonly authorities: readonly ResourceRecord[]
  /** Without the OPT record, which stands in `edns`. */
  readonly additionals: readonly ResourceRecord[]
  readonly edns?: Edns
}

export interface Question {
  readonly name: string
  readonly type: number
  readonly class: number
}

export interface Edns {
  readonly udpPayloadSize: number
  readonly version: number
  readonly dnssecOk: boolean
}

export interface Soa {
  readonly mname: string
  readonly rname: string
  readonly serial: number
  readonly refresh: number
  readonly retry: number
  readonly expire: number
  readonly minimum: number
}

export type RecordData =
  | { readonly type: 'A' | 'AAAA'; readonly address: string }
  | { readonly type: 'NS' | 'CNAME' | 'PTR'; readonly target: string }
  | {
      readonly type: 'SRV'
      readonly priority: number
      readonly weight: number
      readonly port: number
      readonly target: string
    }
  | { readonly type: 'MX'; readonly preference: number; readonly exchange: string }
  /** Each text is a byte string: char codes 0 to 255. */
  | { readonly type: 'TXT'; readonly texts: readonly string[] }
  | ({ readonly type: 'SOA' } & Soa)
  /** Any other type, its data as it came. */
  | { readonly type: 'OTHER'; readonly code: number; readonly data: Uint8Array }

export type ResourceRecord = RecordData & {
  readonly name: string
  readonly ttlSeconds: number
  /** Absent: IN. */
  readonly class?: number
}

export const recordTypes = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const

export const rcodes = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  BADVERS: 16,
} as const

export const classes = { IN: 1, ANY: 255 } as const
export const headerBytes = 12

export function typeCodeOf(data: RecordData): number {
  return data.type === 'OTHER' ? data.code : recordTypes[data.type]
}

/** ASCII case only, as DNS compares names. */
export function lowerName(name: string): string {
  return name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}
