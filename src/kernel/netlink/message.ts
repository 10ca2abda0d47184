/**
 * Netlink messages as bytes: one writer that lays several messages behind each other in one buffer, and readers over
 * received bytes. Numbers are in host order (little endian on every platform Node supports here) unless the method
 * name ends in `be`; attributes are padded to four bytes.
 */

export const nlmsgFlag = {
  request: 0x1,
  multi: 0x2,
  ack: 0x4,
  /** With a GET request: the whole table. */
  dump: 0x300,
  replace: 0x100,
  exclusive: 0x200,
  create: 0x400,
  append: 0x800,
} as const

export const nlmsgType = { noop: 1, error: 2, done: 3 } as const

const headerLength = 16
const nestedFlag = 0x8000
const attributeTypeMask = 0x3fff

export class MessageWriter {
  #bytes: Buffer<ArrayBuffer>
  #view: DataView
  #words: Int32Array
  #length = 0
  #messageStart = -1
  readonly #starts: number[] = []

  constructor(capacity = 4096) {
    this.#bytes = Buffer.from(new ArrayBuffer((capacity + 3) & ~3))
    this.#view = new DataView(this.#bytes.buffer)
    this.#words = new Int32Array(this.#bytes.buffer)
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length
  }

  get messageCount(): number {
    return this.#starts.length
  }

  /** Forgets everything written; the memory stays. */
  clear(): void {
    this.#length = 0
    this.#messageStart = -1
    this.#starts.length = 0
  }

  /** Begins a message; the one before it is complete then. `request` is always among the flags. */
  message(type: number, flags = 0): this {
    this.#finishMessage()
    this.#reserve(headerLength)
    const start = this.#length
    this.#messageStart = start
    this.#starts.push(start)
    this.#view.setUint32(start, 0, true)
    this.#view.setUint16(start + 4, type, true)
    this.#view.setUint16(start + 6, flags | nlmsgFlag.request, true)
    this.#view.setUint32(start + 8, 0, true)
    this.#view.setUint32(start + 12, 0, true)
    this.#length = start + headerLength
    return this
  }

  /** Adds flags to message `index`, for example the acknowledgement that only the sender knows it wants. */
  addFlags(index: number, flags: number): void {
    const at = this.#start(index) + 6
    this.#view.setUint16(at, this.#view.getUint16(at, true) | flags, true)
  }

  setSequence(index: number, sequence: number): void {
    this.#view.setUint32(this.#start(index) + 8, sequence, true)
  }

  /** Where message `index` ends. */
  endOf(index: number): number {
    return this.#starts[index + 1] ?? this.#length
  }

  startOf(index: number): number {
    return this.#start(index)
  }

  /** The messages written so far, valid until the next write. */
  bytes(): Uint8Array {
    this.#finishMessage()
    return this.#bytes.subarray(0, this.#length)
  }

  // What follows a message's header outside any attribute (nfgenmsg, ifinfomsg, rtmsg …).

  u8(value: number): this {
    this.#reserve(1)
    this.#bytes[this.#length++] = value
    return this
  }

  u16(value: number): this {
    this.#reserve(2)
    this.#view.setUint16(this.#length, value, true)
    this.#length += 2
    return this
  }

  u16be(value: number): this {
    this.#reserve(2)
    this.#view.setUint16(this.#length, value, false)
    this.#length += 2
    return this
  }

  u32(value: number): this {
    this.#reserve(4)
    this.#view.setUint32(this.#length, value, true)
    this.#length += 4
    return this
  }

  u32be(value: number): this {
    this.#reserve(4)
    this.#view.setUint32(this.#length, value, false)
    this.#length += 4
    return this
  }

  i32(value: number): this {
    return this.u32(value)
  }

  raw(bytes: Uint8Array): this {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
    return this
  }

  /**
   * For long lists of small attributes: makes room for `count` words of four bytes and returns the index of the first
   * one in `words`, which must be asked for after this call. What is there is undefined: write all of them.
   */
  takeWords(count: number): number {
    const at = this.#length
    if (at & 3) throw new Error('Cannot write words: the message is not aligned')
    this.#reserve(count * 4)
    this.#length = at + count * 4
    return at >> 2
  }

  get words(): Int32Array {
    return this.#words
  }

  /** Makes room for an attribute's value; returns the index of its first byte in `memory`, asked for after this call. */
  takeAttribute(type: number, length: number): number {
    return this.#attribute(type, length)
  }

  get memory(): Buffer {
    return this.#bytes
  }

  // Attributes.

  attr8(type: number, value: number): this {
    const at = this.#attribute(type, 1)
    this.#bytes[at] = value
    return this
  }

  attr16(type: number, value: number): this {
    const at = this.#attribute(type, 2)
    this.#view.setUint16(at, value, true)
    return this
  }

  attr16be(type: number, value: number): this {
    const at = this.#attribute(type, 2)
    this.#view.setUint16(at, value, false)
    return this
  }

  attr32(type: number, value: number): this {
    const at = this.#attribute(type, 4)
    this.#view.setUint32(at, value, true)
    return this
  }

  attr32be(type: number, value: number): this {
    const at = this.#attribute(type, 4)
    this.#view.setUint32(at, value, false)
    return this
  }

  attr64(type: number, value: bigint): this {
    const at = this.#attribute(type, 8)
    this.#view.setBigUint64(at, value, true)
    return this
  }

  attr64be(type: number, value: bigint): this {
    const at = this.#attribute(type, 8)
    this.#view.setBigUint64(at, value, false)
    return this
  }

  /** Text with its closing zero byte. */
  attrText(type: number, text: string): this {
    const length = asciiLength(text)
    if (length < 0) return this.attrBytes(type, Buffer.from(`${text}\0`, 'utf8'))
    const at = this.#attribute(type, length + 1)
    const bytes = this.#bytes
    for (let index = 0; index < length; index++) bytes[at + index] = text.charCodeAt(index)
    bytes[at + length] = 0
    return this
  }

  attrBytes(type: number, bytes: Uint8Array): this {
    const at = this.#attribute(type, bytes.length)
    this.#bytes.set(bytes, at)
    return this
  }

  /** An attribute without content. */
  attrFlag(type: number): this {
    this.#attribute(type, 0)
    return this
  }

  /** Opens a nested attribute; give what it returns to `close`. */
  open(type: number): number {
    this.#reserve(4)
    const at = this.#length
    this.#view.setUint16(at, 0, true)
    this.#view.setUint16(at + 2, type | nestedFlag, true)
    this.#length = at + 4
    return at
  }

  close(opened: number): this {
    this.#view.setUint16(opened, this.#length - opened, true)
    return this
  }

  /** A nested attribute filled by `fill`. */
  nest(type: number, fill: (writer: this) => void): this {
    const opened = this.open(type)
    fill(this)
    return this.close(opened)
  }

  /** May replace the buffer: take its result before naming `#bytes` or `#view`. */
  #attribute(type: number, length: number): number {
    const padded = (length + 7) & ~3
    this.#reserve(padded)
    const at = this.#length
    this.#view.setUint16(at, length + 4, true)
    this.#view.setUint16(at + 2, type, true)
    if (length & 3) this.#view.setUint32(at + padded - 4, 0, true)
    this.#length = at + padded
    return at + 4
  }

  #start(index: number): number {
    const start = this.#starts[index]
    if (start === undefined) throw new RangeError(`Cannot find netlink message ${index} of ${this.#starts.length}`)
    return start
  }

  #finishMessage(): void {
    if (this.#messageStart < 0) return
    this.#view.setUint32(this.#messageStart, this.#length - this.#messageStart, true)
    this.#messageStart = -1
    const padding = -this.#length & 3
    if (padding === 0) return
    this.#reserve(padding)
    this.#bytes.fill(0, this.#length, this.#length + padding)
    this.#length += padding
  }

  #reserve(length: number): void {
    const wanted = this.#length + length
    if (wanted <= this.#bytes.length) return
    const grown = Buffer.from(new ArrayBuffer((Math.max(wanted, this.#bytes.length * 2) + 3) & ~3))
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
    this.#view = new DataView(grown.buffer)
    this.#words = new Int32Array(grown.buffer)
  }
}

/** The number of characters, or -1 when not all are ASCII. */
function asciiLength(text: string): number {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 127) return -1
  return text.length
}

/** One received message. `body` starts behind the netlink header and is only valid during the callback. */
export interface ReceivedMessage {
  readonly type: number
  readonly flags: number
  readonly sequence: number
  readonly portId: number
  readonly body: Buffer
}

/** Splits received bytes into messages. Throws on a truncated one. */
export function* readMessages(bytes: Buffer): Generator<ReceivedMessage> {
  for (let at = 0; at + headerLength <= bytes.length;) {
    const length = bytes.readUInt32LE(at)
    if (length < headerLength || at + length > bytes.length)
      throw new Error(`Cannot read netlink message: length ${length}`)
    yield {
      type: bytes.readUInt16LE(at + 4),
      flags: bytes.readUInt16LE(at + 6),
      sequence: bytes.readUInt32LE(at + 8),
      portId: bytes.readUInt32LE(at + 12),
      body: bytes.subarray(at + headerLength, at + length),
    }
    at += (length + 3) & ~3
  }
}

/**
 * The attributes of `bytes` from `offset` on (behind a fixed header such as ifinfomsg), by type. Values are views.
 * Of several attributes with one type the last one stays: use `listAttributes` for lists.
 */
export function readAttributes(bytes: Buffer, offset = 0): Map<number, Buffer> {
  const attributes = new Map<number, Buffer>()
  eachAttribute(bytes, offset, bytes.length, (type, start, end) => attributes.set(type, bytes.subarray(start, end)))
  return attributes
}

/** All attributes in order, for lists of equal types. */
export function listAttributes(bytes: Buffer, offset = 0): { type: number; value: Buffer }[] {
  const attributes: { type: number; value: Buffer }[] = []
  eachAttribute(bytes, offset, bytes.length, (type, start, end) =>
    attributes.push({ type, value: bytes.subarray(start, end) }),
  )
  return attributes
}

/** Calls back with the place of each attribute's value: the fast form, allocates nothing. */
export function eachAttribute(
  bytes: Buffer,
  start: number,
  end: number,
  visit: (type: number, start: number, end: number) => void,
): void {
  for (let at = start; at + 4 <= end;) {
    const length = bytes[at]! | (bytes[at + 1]! << 8)
    if (length < 4 || at + length > end) return
    visit((bytes[at + 2]! | (bytes[at + 3]! << 8)) & attributeTypeMask, at + 4, at + length)
    at += (length + 3) & ~3
  }
}

/** Text of an attribute, without its closing zero byte. */
export function attributeText(value: Buffer): string {
  const zero = value.indexOf(0)
  return value.toString('utf8', 0, zero < 0 ? value.length : zero)
}
