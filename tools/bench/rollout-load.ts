/**
 * Runs in the network of a pod or of the underlay: new connections, requests on kept connections and datagrams at a
 * constant rate, whatever happens to those before. Argument: `LoadOptions` as JSON. Prints `LoadReport` lines five times a
 * second; ends with standard input.
 */
import { DatagramAsker } from './rollout-datagrams.ts'
import { startConnection, type Connection } from './rollout-connection.ts'

export interface LoadTarget {
  readonly name: string
  readonly address: string
  readonly port: number
  readonly newPerSecond: number
  readonly keptConnections: number
  /** On all kept connections together. */
  readonly keptPerSecond: number
  /** Questions, each from a port of its own; absent: none. */
  readonly datagramsPerSecond?: number
}

export interface LoadOptions {
  readonly targets: readonly LoadTarget[]
}

export interface TargetCounts {
  /** Answered requests: each on a connection of its own, on kept connections, and in datagrams. */
  fresh: number
  kept: number
  datagrams: number
  /** By kind, such as `connect: ECONNREFUSED`. */
  failures: Record<string, number>
  slowestMs: number
}

export type LoadReport = Readonly<Record<string, TargetCounts>>

const tickMs = 5
const reportMs = 200
/** More at a time means that nothing is answered any more: not a rate that anybody could keep. */
const maxInFlight = 2_000

class Target {
  readonly counts: TargetCounts = { fresh: 0, kept: 0, datagrams: 0, failures: {}, slowestMs: 0 }
  readonly #options: LoadTarget
  readonly #asker: DatagramAsker
  #inFlight = 0
  #begunMs = performance.now()
  #asked = { fresh: 0, datagrams: 0 }

  constructor(options: LoadTarget) {
    this.#options = options
    this.#asker = new DatagramAsker(options)
  }

  start(): void {
    const { keptConnections, keptPerSecond } = this.#options
    const everyMs = keptConnections === 0 ? 0 : (1000 * keptConnections) / keptPerSecond
    for (let index = 0; index < keptConnections; index++) {
      setTimeout(() => this.#keepAsking(everyMs), (index * everyMs) / keptConnections)
    }
    this.#begunMs = performance.now()
  }

  /** Asks as much as is due. */
  tick(nowMs: number): void {
    const seconds = (nowMs - this.#begunMs) / 1000
    const { newPerSecond, datagramsPerSecond = 0 } = this.#options
    for (; this.#asked.fresh < seconds * newPerSecond; this.#asked.fresh++) this.#ask()
    for (; this.#asked.datagrams < seconds * datagramsPerSecond; this.#asked.datagrams++) this.#send()
  }

  #ask(): void {
    if (this.#inFlight >= maxInFlight) return this.#fail('not asked: too many wait')
    this.#inFlight++
    const begun = performance.now()
    const connection = startConnection(this.#options, 'close')
    connection.ask((failure) => {
      this.#inFlight--
      connection.destroy()
      this.#count('fresh', begun, failure)
    })
  }

  #send(): void {
    const begun = performance.now()
    this.#asker.ask((failure) => this.#count('datagrams', begun, failure && `datagram: ${failure}`))
  }

  /** One connection after another, each as long as the server lets it. */
  #keepAsking(everyMs: number): void {
    let connection: Connection | undefined
    let isAsking = false
    setInterval(() => {
      if (isAsking) return
      isAsking = true
      const begun = performance.now()
      connection ??= startConnection(this.#options, 'keep-alive')
      const current = connection
      current.ask((failure, isLast) => {
        isAsking = false
        this.#count('kept', begun, failure && `kept, ${failure}`)
        if (!failure && !isLast) return
        current.destroy()
        connection = undefined
      })
    }, everyMs)
  }

  #count(what: 'fresh' | 'kept' | 'datagrams', begun: number, failure: string | undefined): void {
    if (failure) return this.#fail(failure)
    this.counts[what]++
    this.counts.slowestMs = Math.max(this.counts.slowestMs, Math.round(performance.now() - begun))
  }

  #fail(kind: string): void {
    this.counts.failures[kind] = (this.counts.failures[kind] ?? 0) + 1
  }
}

if (import.meta.main) {
  const options = JSON.parse(process.argv[2] ?? '') as LoadOptions
  const targets = new Map(options.targets.map((target) => [target.name, new Target(target)]))
  for (const target of targets.values()) target.start()
  setInterval(() => {
    const nowMs = performance.now()
    for (const target of targets.values()) target.tick(nowMs)
  }, tickMs)
  setInterval(() => {
    const report = Object.fromEntries([...targets].map(([name, { counts }]) => [name, counts]))
    process.stdout.write(`${JSON.stringify(report)}\n`)
  }, reportMs)
  process.stdin.on('end', () => process.exit(0)).resume()
}
