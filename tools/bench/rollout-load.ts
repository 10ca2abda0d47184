/**
 * Runs in the network of a pod: new connections and requests on kept connections at a constant rate, whatever happens to
 * those before. Argument: `LoadOptions` as JSON. Prints `LoadReport` lines five times a second; ends with standard input.
 */
import net from 'node:net'

export interface LoadOptions {
  readonly targets: readonly { readonly name: string; readonly address: string; readonly port: number }[]
  /** For each target. */
  readonly newPerSecond: number
  readonly keptConnections: number
  /** On each kept connection. */
  readonly requestsPerSecond: number
}

export interface TargetCounts {
  /** Answered requests: each on a connection of its own, and on kept connections. */
  fresh: number
  kept: number
  /** By kind, such as `connect: ECONNREFUSED`. */
  failures: Record<string, number>
  slowestMs: number
}

export type LoadReport = Readonly<Record<string, TargetCounts>>

const tickMs = 5
const reportMs = 200
const patienceMs = 10_000
/** More at a time means that nothing is answered any more: not a rate that anybody could keep. */
const maxInFlight = 2_000

class Target {
  readonly counts: TargetCounts = { fresh: 0, kept: 0, failures: {}, slowestMs: 0 }
  readonly #address: string
  readonly #port: number
  #inFlight = 0

  constructor({ address, port }: LoadOptions['targets'][number]) {
    this.#address = address
    this.#port = port
  }

  ask(): void {
    if (this.#inFlight >= maxInFlight) return this.#fail('not asked: too many wait')
    this.#inFlight++
    const begun = performance.now()
    const connection = this.#connect('close')
    connection.ask((failure) => {
      this.#inFlight--
      connection.destroy()
      this.#count('fresh', begun, failure)
    })
  }

  /** One connection after another, each as long as the server lets it. */
  keepAsking(everyMs: number): void {
    let connection: Connection | undefined
    let isAsking = false
    setInterval(() => {
      if (isAsking) return
      isAsking = true
      const begun = performance.now()
      connection ??= this.#connect('keep-alive')
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

  #connect(keep: 'close' | 'keep-alive'): Connection {
    return new Connection(net.connect({ host: this.#address, port: this.#port }), keep)
  }

  #count(what: 'fresh' | 'kept', begun: number, failure: string | undefined): void {
    if (failure) return this.#fail(failure)
    this.counts[what]++
    this.counts.slowestMs = Math.max(this.counts.slowestMs, Math.round(performance.now() - begun))
  }

  #fail(kind: string): void {
    this.counts.failures[kind] = (this.counts.failures[kind] ?? 0) + 1
  }
}

type Answered = (failure: string | undefined, isLast: boolean) => void

class Connection {
  readonly #socket: net.Socket
  readonly #request: string
  #stage = 'connect'
  #answered: Answered | undefined
  #received = ''
  #ended: string | undefined

  constructor(socket: net.Socket, keep: 'close' | 'keep-alive') {
    this.#socket = socket
    this.#request = `GET / HTTP/1.1\r\nHost: rollout\r\nConnection: ${keep}\r\n\r\n`
    socket.setNoDelay(true)
    socket.on('connect', () => (this.#stage = 'request'))
    socket.setEncoding('latin1').on('data', (text: string) => this.#read(text))
    socket.on('error', (error: NodeJS.ErrnoException) => this.#end(`${this.#stage}: ${error.code ?? error.message}`))
    socket.on('timeout', () => this.#end(`${this.#stage}: no answer in ${patienceMs} ms`))
    socket.on('close', () => this.#end(`${this.#stage}: closed without an answer`))
  }

  ask(answered: Answered): void {
    if (this.#ended) return answered(this.#ended, true)
    this.#answered = answered
    this.#socket.setTimeout(patienceMs)
    this.#socket.write(this.#request)
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #read(text: string): void {
    this.#received += text
    const head = /^HTTP\/1\.1 200 OK\r\nContent-Length: (\d+)\r\nConnection: (\S+)\r\n\r\n/.exec(this.#received)
    if (!head || this.#received.length < head[0].length + Number(head[1])) return
    this.#received = ''
    this.#socket.setTimeout(0)
    this.#finish(undefined, head[2] === 'close')
  }

  #end(failure: string): void {
    this.#ended ??= failure
    this.#finish(this.#ended, true)
  }

  #finish(failure: string | undefined, isLast: boolean): void {
    const answered = this.#answered
    this.#answered = undefined
    answered?.(failure, isLast)
  }
}

if (import.meta.main) {
  const options = JSON.parse(process.argv[2] ?? '') as LoadOptions
  const targets = new Map(options.targets.map((target) => [target.name, new Target(target)]))
  const everyMs = 1000 / options.requestsPerSecond
  for (const target of targets.values()) {
    for (let index = 0; index < options.keptConnections; index++) {
      setTimeout(() => target.keepAsking(everyMs), (index * everyMs) / options.keptConnections)
    }
  }
  const begun = performance.now()
  let asked = 0
  setInterval(() => {
    const due = ((performance.now() - begun) * options.newPerSecond) / 1000
    for (; asked < due; asked++) for (const target of targets.values()) target.ask()
  }, tickMs)
  setInterval(() => {
    const report = Object.fromEntries([...targets].map(([name, { counts }]) => [name, counts]))
    process.stdout.write(`${JSON.stringify(report)}\n`)
  }, reportMs)
  process.stdin.on('end', () => process.exit(0)).resume()
}
