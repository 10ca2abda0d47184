/** One connection of rollout-load.ts: asks one thing at a time and tells whether it was answered. */
import net from 'node:net'

/** Without a failure the answer was right; `isLast`: the server takes nothing more on this connection. */
export type Answered = (failure: string | undefined, isLast: boolean) => void

export interface Connection {
  ask(answered: Answered): void
  destroy(): void
}

const patienceMs = 10_000

export function startConnection(
  { address, port }: { readonly address: string; readonly port: number },
  keep: 'close' | 'keep-alive',
): Connection {
  return new OpenConnection(net.connect({ host: address, port, noDelay: true }), keep)
}

class OpenConnection implements Connection {
  readonly #socket: net.Socket
  readonly #request: string
  #stage = 'connect'
  #answered: Answered | undefined
  #received = ''
  #ended: string | undefined

  constructor(socket: net.Socket, keep: 'close' | 'keep-alive') {
    this.#socket = socket
    this.#request = `GET / HTTP/1.1\r\nHost: rollout\r\nConnection: ${keep}\r\n\r\n`
    socket.on('connect', () => (this.#stage = 'request'))
    socket.setEncoding('latin1').on('data', (text: string) => this.#read(text))
    socket.on('error', (error: NodeJS.ErrnoException) => this.#end(`${this.#stage}: ${error.code ?? error.message}`))
    socket.on('timeout', () => this.#answered && this.#end(`${this.#stage}: no answer in ${patienceMs} ms`))
    socket.on('close', () => this.#end(`${this.#stage}: closed without an answer`))
    socket.setTimeout(patienceMs)
  }

  ask(answered: Answered): void {
    if (this.#ended) return answered(this.#ended, true)
    this.#answered = answered
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
