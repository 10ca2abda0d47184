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

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    this.#connection.write(chunk).then(() => done(), done)
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
