/** A body that is not the protobuf it claims to be; the API answers 400 with this message. */
export class ProtobufError extends Error {
  override readonly name = 'ProtobufError'
}

const utf8 = new TextDecoder()

/** Reads protobuf's wire format from one message. */
export class ProtobufReader {
  readonly #bytes: Uint8Array
  #at = 0
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  /** Field number and wire type of the next field. */
  key(): { tag: number; wire: number } {
    const key = Number(this.varint())
    return { tag: key >>> 3, wire: key & 7 }
  }

  varint(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) throw new ProtobufError('unexpected EOF')
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    throw new ProtobufError('proto: integer overflow')
  }

  /** int32 and int64, which are written as 64 bits two's complement. */
  integer(): number {
    return Number(BigInt.asIntN(64, this.varint()))
  }

  bytes(): Uint8Array {
    const length = Number(this.varint())
    const end = this.#at + length
    if (end > this.#bytes.length) throw new ProtobufError('unexpected EOF')
    const slice = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return slice
  }

  text(): string {
    return utf8.decode(this.bytes())
  }

  double(): number {
    const view = new DataView(this.#take(8))
    return view.getFloat64(0, true)
  }

  skip(wire: number): void {
    switch (wire) {
      case 0:
        this.varint()
        return
      case 1:
        this.#take(8)
        return
      case 2:
        this.bytes()
        return
      case 5:
        this.#take(4)
        return
      default:
        throw new ProtobufError(`proto: illegal wireType ${wire}`)
    }
  }

  #take(length: number): ArrayBuffer {
    const end = this.#at + length
    if (end > this.#bytes.length) throw new ProtobufError('unexpected EOF')
    const copy = new Uint8Array(this.#bytes.subarray(this.#at, end)).buffer
    this.#at = end
    return copy
  }
}
