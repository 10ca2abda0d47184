/**
 * The elements of one transaction, encoded as they come and kept apart by map: the kernel takes a message for each map
 * and thousand elements far faster than one for each element. Its memory is used again for the next transaction.
 */
import { MessageWriter } from '#kernel/netlink/message.ts'
import type { NftTransaction } from '#kernel/netlink/nftables.ts'
import type { IpFamily } from '#lib/ip.ts'
import { mapNames, type Element, type MapName } from './elements.ts'
import { encodeElement } from './encode-elements.ts'

/** An attribute holds 64 kB; no element has more than 1 kB. */
const maxListBytes = 62_000

class EncodedElements {
  readonly writer = new MessageWriter()
  /** Where an element list ends because the next element may not fit. */
  readonly #ends: number[] = []
  #start = 0

  /** @returns the bytes written so far */
  noteEnd(): number {
    const { length } = this.writer
    if (length - this.#start >= maxListBytes) {
      this.#ends.push(length)
      this.#start = length
    }
    return length
  }

  *lists(): Generator<Uint8Array> {
    const bytes = this.writer.bytes()
    let start = 0
    for (const end of [...this.#ends, bytes.length]) {
      if (end > start) yield bytes.subarray(start, end)
      start = end
    }
  }

  clear(): void {
    this.writer.clear()
    this.#ends.length = 0
    this.#start = 0
  }
}

export class ElementBatch {
  readonly #family: IpFamily
  readonly #adds = new Map<MapName, EncodedElements>()
  readonly #removes = new Map<MapName, EncodedElements>()
  #bytes = 0

  constructor(family: IpFamily) {
    this.#family = family
  }

  /** What the elements take, without headers of messages. */
  get bytes(): number {
    return this.#bytes
  }

  remove(elements: readonly Element[]): void {
    this.#encode(this.#removes, elements, false)
  }

  add(elements: readonly Element[]): void {
    this.#encode(this.#adds, elements, true)
  }

  /** Moves everything into the transaction: removals first, those of front ends before those of what is behind. */
  moveTo(transaction: NftTransaction): void {
    for (const name of mapNames.toReversed()) this.#move(transaction, name, this.#removes.get(name), true)
    for (const name of mapNames) this.#move(transaction, name, this.#adds.get(name), false)
    this.clear()
  }

  clear(): void {
    for (const encoded of this.#removes.values()) encoded.clear()
    for (const encoded of this.#adds.values()) encoded.clear()
    this.#bytes = 0
  }

  #encode(target: Map<MapName, EncodedElements>, elements: readonly Element[], withData: boolean): void {
    for (let index = 0; index < elements.length; index++) {
      const element = elements[index]!
      let encoded = target.get(element.map)
      if (!encoded) target.set(element.map, (encoded = new EncodedElements()))
      const { writer } = encoded
      const before = writer.length
      encodeElement(writer, this.#family, element, withData)
      this.#bytes += encoded.noteEnd() - before
    }
  }

  #move(transaction: NftTransaction, name: MapName, encoded: EncodedElements | undefined, isRemoval: boolean): void {
    if (!encoded) return
    for (const list of encoded.lists()) {
      transaction.beginElements(name, isRemoval)
      transaction.writer.raw(list)
      transaction.endElements()
    }
  }
}
