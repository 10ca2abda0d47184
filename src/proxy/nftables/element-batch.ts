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
const removalOrder = mapNames.toReversed()

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

  lists(): readonly Uint8Array[] {
    const bytes = this.writer.bytes()
    if (bytes.length === 0) return noLists
    if (this.#ends.length === 0) return [bytes]
    const ends = this.#start < bytes.length ? [...this.#ends, bytes.length] : this.#ends
    return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))
  }

  clear(): void {
    this.writer.clear()
    this.#ends.length = 0
    this.#start = 0
  }
}

const noLists: readonly Uint8Array[] = []

export class ElementBatch {
  readonly #family: IpFamily
  readonly #adds = new Map<MapName, EncodedElements>()
  readonly #removes = new Map<MapName, EncodedElements>()
  readonly #all: EncodedElements[] = []
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
    for (const name of removalOrder) this.#move(transaction, name, this.#removes.get(name), true)
    for (const name of mapNames) this.#move(transaction, name, this.#adds.get(name), false)
    this.clear()
  }

  clear(): void {
    for (let index = 0; index < this.#all.length; index++) this.#all[index]!.clear()
    this.#bytes = 0
  }

  #encode(target: Map<MapName, EncodedElements>, elements: readonly Element[], withData: boolean): void {
    for (let index = 0; index < elements.length; index++) {
      const element = elements[index]!
      const encoded = target.get(element.map) ?? this.#open(target, element.map)
      const { writer } = encoded
      const before = writer.length
      encodeElement(writer, this.#family, element, withData)
      this.#bytes += encoded.noteEnd() - before
    }
  }

  #open(target: Map<MapName, EncodedElements>, name: MapName): EncodedElements {
    const encoded = new EncodedElements()
    target.set(name, encoded)
    this.#all.push(encoded)
    return encoded
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
