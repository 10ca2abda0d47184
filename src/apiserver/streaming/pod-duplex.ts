import { Duplex } from 'node:stream'
import type { PodConnection } from '#api/pod-streams.ts'

/** A connection to a pod as the stream that Node's HTTP and TLS clients want. */
export class PodDuplex extends Duplex {
  readonly #connection: PodConnection
  readonly #incoming: AsyncIterator<Uint8Array>

  constructor(connection: PodConnection) {
    super()
    this.#connection = connection
    this.#incoming = connection.readable[Symbol.asyncIterator]()
  }

  override _read(): void {
    this.#incoming.next().then(
      (next) => this.push(next.done ? null : next.value),
      (error: Error) => this.destroy(error),
    )
  }

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    this.#send(chunk, done)
  }

  /** A request in one piece: a server that answers its head and hangs up would leave nobody to send the rest to. */
  override _writev(chunks: { readonly chunk: Uint8Array }[], done: () => void): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)), done)
  }

  /** Whoever does not listen any more may have answered all the same: what is read decides, and its end. */
  #send(bytes: Uint8Array, done: () => void): void {
    this.#connection.write(bytes).then(
      () => done(),
      () => done(),
    )
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#connection.end()
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#connection.destroy()
    done(error)
  }
}
