/** Answers of other servers, as long as they said. Cluster names never come here. */
import type { Clock } from '#lib/clock.ts'
import { type DnsMessage, rcodes, type ResourceRecord } from './message.ts'

const maxEntries = 4096
const maxRecords = 64
const maxPositiveSeconds = 3600
const maxNegativeSeconds = 1800

interface Entry {
  readonly response: DnsMessage
  readonly storedMs: number
  readonly expiresMs: number
}

export class ResponseCache {
  readonly #clock: Clock
  /** Oldest use first. */
  readonly #entries = new Map<string, Entry>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#entries.size
  }

  /** The response with its lifetimes counted down. */
  get(key: string): DnsMessage | undefined {
    const entry = this.#entries.get(key)
    if (!entry) return undefined
    this.#entries.delete(key)
    const nowMs = this.#clock.nowMs()
    if (nowMs >= entry.expiresMs) return undefined
    this.#entries.set(key, entry)
    return agedBy(entry.response, Math.floor((nowMs - entry.storedMs) / 1000))
  }

  set(key: string, response: DnsMessage): void {
    const seconds = lifetimeSeconds(response)
    const records = response.answers.length + response.authorities.length + response.additionals.length
    if (seconds <= 0 || response.truncated || records > maxRecords) return
    const storedMs = this.#clock.nowMs()
    this.#entries.delete(key)
    this.#entries.set(key, { response, storedMs, expiresMs: storedMs + seconds * 1000 })
    if (this.#entries.size > maxEntries) this.#entries.delete(this.#entries.keys().next().value!)
  }
}

/** RFC 2308: a negative answer lives as long as the lesser of its SOA's lifetime and minimum; without SOA, not at all. */
function lifetimeSeconds({ rcode, answers, authorities, additionals }: DnsMessage): number {
  if (rcode !== rcodes.NOERROR && rcode !== rcodes.NXDOMAIN) return 0
  const isNegative = rcode === rcodes.NXDOMAIN || answers.every(({ type }) => type === 'CNAME')
  const least = Math.min(...[...answers, ...authorities, ...additionals].map(({ ttlSeconds }) => ttlSeconds))
  if (!isNegative) return Math.min(maxPositiveSeconds, least)
  const soa = authorities.find((record) => record.type === 'SOA')
  return soa ? Math.min(maxNegativeSeconds, least, soa.minimum) : 0
}

function agedBy(response: DnsMessage, seconds: number): DnsMessage {
  const aged = (records: readonly ResourceRecord[]): ResourceRecord[] =>
    records.map((record) => ({ ...record, ttlSeconds: Math.max(0, record.ttlSeconds - seconds) }))
  return {
    ...response,
    answers: aged(response.answers),
    authorities: aged(response.authorities),
    additionals: aged(response.additionals),
  }
}
