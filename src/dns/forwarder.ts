/**
 * Questions for names that are not the cluster's go to the host's resolvers: in their order, the next one when one is
 * silent or says it cannot, over TCP when the answer is too long. Equal questions under way are asked once, which also
 * ends a loop (a resolver that asks us back waits for its own answer, and times out).
 */
import type { Clock } from '#lib/clock.ts'
import type { Log } from '#observe/log.ts'
import { decodeMessage } from './decode-message.ts'
import { encodeMessage } from './encode-message.ts'
import { type DnsMessage, lowerName, type Question, rcodes } from './message.ts'
import type { Upstream } from './parse-resolv-conf.ts'
import { emptyQuery, maxUdpBytes } from './render-reply.ts'
import { ResponseCache } from './response-cache.ts'
import type { ExchangeRequest } from './run-exchange.ts'

export interface ForwarderOptions {
  /** The servers for a name, in order; asked before every question. */
  readonly upstreams: (name: string) => readonly Upstream[]
  /** Addresses of our own that must not be asked, whatever resolv.conf says. */
  readonly ownAddresses: readonly string[]
  readonly exchange: <T>(request: ExchangeRequest<T>) => Promise<T>
  /** A whole number from 0 to 65535, not to be guessed. */
  readonly randomId: () => number
  readonly clock: Clock
  readonly log: Log
}

export type ForwardFlags = Pick<DnsMessage, 'checkingDisabled'> & { readonly dnssecOk: boolean }

/** The first round is short so that a dead first server costs little; resolvers give up after five seconds. */
const roundsMs = [800, 1600]
const deadlineMs = 4000
/** How long a server that was silent is asked after the others. */
const avoidMs = 30_000
const maxUnderWay = 1000

export class Forwarder {
  readonly #options: ForwarderOptions
  readonly #cache: ResponseCache
  readonly #underWay = new Map<string, Promise<DnsMessage | undefined>>()
  readonly #avoidUntilMs = new Map<string, number>()
  /** Of what is under way. */
  readonly #deadlines = new Set<AbortController>()
  #isStopped = false

  constructor(options: ForwarderOptions) {
    this.#options = options
    this.#cache = new ResponseCache(options.clock)
  }

  /** The answer of some server; undefined when none gave one. Never rejects. */
  async resolve(question: Question, flags: ForwardFlags): Promise<DnsMessage | undefined> {
    const key = `${question.type} ${question.class} ${flags.dnssecOk} ${flags.checkingDisabled} ${lowerName(question.name)}`
    const cached = this.#cache.get(key)
    if (cached) return cached
    const running = this.#underWay.get(key)
    if (running) return running
    if (this.#underWay.size >= maxUnderWay) return undefined
    const answer = this.#ask(question, flags).finally(() => this.#underWay.delete(key))
    this.#underWay.set(key, answer)
    const response = await answer
    if (response) this.#cache.set(key, response)
    return response
  }

  /** Ends what is under way. */
  stop(): void {
    this.#isStopped = true
    for (const deadline of this.#deadlines) deadline.abort(new Error('Cannot ask: the server stops'))
  }

  async #ask(question: Question, flags: ForwardFlags): Promise<DnsMessage | undefined> {
    const deadline = new AbortController()
    this.#deadlines.add(deadline)
    const timer = setTimeout(() => deadline.abort(new TimeOut(deadlineMs)), deadlineMs)
    try {
      return await this.#askAll(question, flags, deadline.signal)
    } finally {
      clearTimeout(timer)
      this.#deadlines.delete(deadline)
    }
  }

  async #askAll(question: Question, flags: ForwardFlags, deadline: AbortSignal): Promise<DnsMessage | undefined> {
    let inability: DnsMessage | undefined
    for (const roundMs of roundsMs) {
      for (const server of this.#serversByHealth(lowerName(question.name))) {
        if (deadline.aborted) return inability
        const response = await withinTime(deadline, roundMs, (signal) =>
          this.#askServer(server, { question, flags, signal, deadline }),
        )
        if (response && isFinal(response)) return response
        inability = response ?? inability
      }
      // every server has answered that it cannot: asking again changes nothing
      if (inability) return inability
    }
    return undefined
  }

  #serversByHealth(name: string): Upstream[] {
    const nowMs = this.#options.clock.nowMs()
    const servers = this.#options.upstreams(name).filter(({ address }) => !this.#options.ownAddresses.includes(address))
    const isAvoided = (server: Upstream): boolean => (this.#avoidUntilMs.get(keyOf(server)) ?? -Infinity) > nowMs
    return [...servers.filter((server) => !isAvoided(server)), ...servers.filter(isAvoided)]
  }

  async #askServer(server: Upstream, ask: Ask): Promise<DnsMessage | undefined> {
    try {
      let response = await this.#exchange(server, ask, { protocol: 'udp', hasEdns: true })
      // servers older than EDNS take its record for an error
      if (response.rcode === rcodes.FORMERR)
        response = await this.#exchange(server, ask, { protocol: 'udp', hasEdns: false })
      this.#avoidUntilMs.delete(keyOf(server))
      return response.truncated ? await this.#askOverTcp(server, ask, response) : response
    } catch (error) {
      if (!this.#isStopped) this.#avoid(server, error)
      return undefined
    }
  }

  async #askOverTcp(server: Upstream, ask: Ask, truncated: DnsMessage): Promise<DnsMessage> {
    try {
      const signal = ask.deadline
      return await this.#exchange(server, { ...ask, signal }, { protocol: 'tcp', hasEdns: true })
    } catch (error) {
      this.#options.log.debug({ err: error, server: keyOf(server) }, 'Upstream server does not answer over TCP')
      return truncated
    }
  }

  #exchange(server: Upstream, { question, flags, signal }: Ask, { protocol, hasEdns }: Way): Promise<DnsMessage> {
    const query: DnsMessage = {
      ...emptyQuery,
      id: this.#options.randomId(),
      checkingDisabled: flags.checkingDisabled,
      // whether the server has validated its answer (RFC 6840 5.7); who wants to know is told
      authenticData: hasEdns,
      questions: [question],
      ...(hasEdns && { edns: { udpPayloadSize: maxUdpBytes, version: 0, dnssecOk: flags.dnssecOk } }),
    }
    const accept = (packet: Uint8Array): DnsMessage | undefined => {
      const response = decodeMessage(packet)
      return response && answers(response, query) ? response : undefined
    }
    return this.#options.exchange({ server, protocol, packet: encodeMessage(query), accept, signal })
  }

  #avoid(server: Upstream, error: unknown): void {
    const nowMs = this.#options.clock.nowMs()
    const until = this.#avoidUntilMs.get(keyOf(server)) ?? -Infinity
    if (until < nowMs)
      this.#options.log.warn({ err: error, server: keyOf(server) }, 'Upstream DNS server does not answer')
    this.#avoidUntilMs.set(keyOf(server), nowMs + avoidMs)
  }
}

class TimeOut extends Error {
  constructor(ms: number) {
    super(`no answer within ${ms} ms`)
  }
}

/**
 * `run` gets a signal that also aborts when so much time is over. (AbortSignal.any and AbortSignal.timeout leave something
 * behind for each question: 500 bytes for ever, and a timer for its whole time.)
 */
async function withinTime<T>(outer: AbortSignal, ms: number, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const inner = new AbortController()
  const end = (): void => inner.abort(outer.reason)
  const timer = setTimeout(() => inner.abort(new TimeOut(ms)), ms)
  outer.addEventListener('abort', end, { once: true })
  try {
    return await run(inner.signal)
  } finally {
    clearTimeout(timer)
    outer.removeEventListener('abort', end)
  }
}

interface Ask {
  readonly question: Question
  readonly flags: ForwardFlags
  /** For this try. */
  readonly signal: AbortSignal
  readonly deadline: AbortSignal
}

interface Way {
  readonly protocol: 'udp' | 'tcp'
  readonly hasEdns: boolean
}

function keyOf({ address, port }: Upstream): string {
  return `${address} ${port}`
}

/** Other answers (SERVFAIL, REFUSED, …) say more about the server than about the name. */
function isFinal({ rcode }: DnsMessage): boolean {
  return rcode === rcodes.NOERROR || rcode === rcodes.NXDOMAIN
}

function answers(response: DnsMessage, query: DnsMessage): boolean {
  if (!response.isResponse || response.id !== query.id) return false
  const [got, asked] = [response.questions[0], query.questions[0]!]
  // some servers leave the question out of an error
  if (!got) return response.rcode !== rcodes.NOERROR
  return got.type === asked.type && got.class === asked.class && lowerName(got.name) === lowerName(asked.name)
}
