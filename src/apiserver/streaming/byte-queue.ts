/** Bytes between somebody who pushes and somebody who iterates; tells when it holds too much. */
export interface ByteQueueOptions {
  readonly fullAtBytes?: number
  /** The pusher should stop for now. */
  readonly onFull?: () => void
  /** The pusher may go on. */
  readonly onRoom?: () => void
  /** Called with the size of each chunk when it is taken. */
  readonly onTaken?: (bytes: number) => void
}

export class ByteQueue implements AsyncIterable<Uint8Array> {
  readonly #options: ByteQueueOptions
  readonly #fullAtBytes: number
  #chunks: Uint8Array[] = []
  #size = 0
  #full = false
  #ended = false
  #wake: (() => void) | undefined

  constructor(options: ByteQueueOptions = {}) {
    this.#options = options
    this.#fullAtBytes = options.fullAtBytes ?? 1024 * 1024
  }

  push(chunk: Uint8Array): void {
    if (this.#ended || chunk.length === 0) return
    this.#chunks.push(chunk)
    this.#size += chunk.length
    if (!this.#full && this.#size >= this.#fullAtBytes) {
      this.#full = true
      this.#options.onFull?.()
    }
    this.#wake?.()
  }

  /** What was pushed is still delivered. */
  end(): void {
    this.#ended = true
    this.#wake?.()
  }

  /** Nobody will take anything any more: what is there goes, what comes is dropped. */
  discard(): void {
    this.#ended = true
    const dropped = this.#size
    this.#chunks = []
    if (dropped > 0) this.#taken(dropped)
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const chunk = this.#chunks.shift()
        if (chunk) {
          this.#taken(chunk.length)
          yield chunk
        } else if (this.#ended) return
        else await new Promise<void>((resolve) => (this.#wake = resolve))
      }
    } finally {
      this.discard()
    }
  }

  #taken(bytes: number): void {
    this.#size -= bytes
    this.#options.onTaken?.(bytes)
    if (!this.#full || this.#size > this.#fullAtBytes / 2) return
    this.#full = false
    this.#options.onRoom?.()
  }
}
