/** Watch events as they stand on the wire: one JSON object per line, cut anywhere by the network. */
import type { WatchEvent } from '#api/wire.ts'

const lineFeed = 10

/** Feed it chunks in order; each call returns the events that have become complete. */
export class WatchLineDecoder {
  readonly #text = new TextDecoder()
  #rest: Uint8Array[] = []

  push(chunk: Uint8Array): WatchEvent[] {
    const end = chunk.lastIndexOf(lineFeed)
    if (end === -1) {
      this.#rest.push(chunk)
      return []
    }
    const complete = Buffer.concat([...this.#rest, chunk.subarray(0, end)])
    this.#rest = end + 1 < chunk.length ? [chunk.subarray(end + 1)] : []
    const lines = this.#text.decode(complete).split('\n')
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as WatchEvent)
  }
}
