/** Events between the cache, which pushes, and one watcher, who takes when it can. */
import type { EncodedWatchEvent } from '#api/wire.ts'

/** A watcher that is this far behind is cut off and has to come again. */
const mostPending = 20_000

export class WatchChannel implements AsyncIterable<readonly EncodedWatchEvent[]> {
  #pending: EncodedWatchEvent[] = []
  #ended = false
  #wake: () => void = () => {}

  push(events: readonly EncodedWatchEvent[]): void {
    if (this.#ended || events.length === 0) return
    this.#pending.push(...events)
    if (this.#pending.length > mostPending) {
      this.#pending = []
      this.#ended = true
    }
    this.#wake()
  }

  /** What was pushed is still delivered. */
  end(): void {
    this.#ended = true
    this.#wake()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly EncodedWatchEvent[]> {
    for (;;) {
      const batch = this.#pending
      this.#pending = []
      if (batch.length > 0) yield batch
      else if (this.#ended) return
      else await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}
