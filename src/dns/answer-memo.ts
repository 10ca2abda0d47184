/**
 * Finished answers by the bytes of their query without its number, for as long as the objects they were made from have
 * not changed. Bounded by two generations: what nobody asked for in the last one is forgotten.
 */
import type { SearchPath } from './search-path.ts'
import type { Basis } from './zone.ts'

export interface MemoEntry {
  readonly bases: readonly Basis[]
  /** One for each order of its records; taken in turn. */
  readonly packets: Uint8Array[]
  turn: number
  /** Where the zone's serial number stands in the packets; 0: nowhere. */
  readonly serialAt: number
  readonly rcode: number
  /** Set when pods of this namespace may get another answer than the rest. */
  readonly namespace: string | undefined
  /** For whose search it was made, when `namespace` is set; undefined: for the rest. */
  readonly path: SearchPath | undefined
  readonly isSearched: boolean
}

const generationSize = 16_384
/** Names may be spelled in ever new ways (0x20), and an answer with 16 orders has some kilobytes. */
const generationBytes = 16 * 1024 * 1024

export class AnswerMemo {
  #young = new Map<string, MemoEntry>()
  #old = new Map<string, MemoEntry>()
  #youngBytes = 0

  get size(): number {
    return this.#young.size + this.#old.size
  }

  get(key: string): MemoEntry | undefined {
    const young = this.#young.get(key)
    if (young) return young
    const old = this.#old.get(key)
    if (old) this.set(key, old)
    return old
  }

  set(key: string, entry: MemoEntry): void {
    if (this.#young.size >= generationSize || this.#youngBytes >= generationBytes) {
      this.#old = this.#young
      this.#young = new Map()
      this.#youngBytes = 0
    }
    this.#young.set(key, entry)
    // one that is replaced counts until the generation ends
    this.#youngBytes += key.length + entry.packets.reduce((sum, packet) => sum + packet.length, 0)
  }
}

export function isCurrent({ bases }: MemoEntry): boolean {
  for (let index = 0; index < bases.length; index++) if (!bases[index]!.isCurrent) return false
  return true
}

/** The bytes from the flags on, as a string: what differs in them is another query. */
export function memoKeyOf(packet: Uint8Array): string {
  return Buffer.from(packet.buffer, packet.byteOffset, packet.length).toString('latin1', 2)
}
