/** Writes DNS messages, with compressed names, cut to a size (TC) when they would be longer. */
import { parseIp } from '#lib/ip.ts'
import { type DnsMessage, type RecordData, recordTypes, type ResourceRecord, typeCodeOf } from './message.ts'

const optBytes = 11

/**
 * Additional records are left out first; when an answer or authority has to go, the TC bit says so. Throws RangeError
 * for a message that has no wire form (a label over 63 bytes, a name over 255, a bad address).
 */
export function encodeMessage(message: DnsMessage, maxBytes = 65_535): Uint8Array {
  const writer = new Writer(maxBytes - (message.edns ? optBytes : 0))
  writer.uint16(message.id)
  writer.uint16(0)
  for (let field = 0; field < 4; field++) writer.uint16(0)
  for (const question of message.questions) {
    writer.name(question.name)
    writer.uint16(question.type)
    writer.uint16(question.class)
  }
  const answers = writeRecords(writer, message.answers)
  const authorities = answers.whole ? writeRecords(writer, message.authorities) : { written: 0, whole: false }
  const additionals = authorities.whole ? writeRecords(writer, message.additionals) : { written: 0, whole: false }
  if (message.edns) writeOpt(writer, message)
  writer.uint16At(2, flagsOf(message, !authorities.whole))
  const counts = [message.questions.length, answers.written, authorities.written]
  for (const [index, count] of counts.entries()) writer.uint16At(4 + 2 * index, count)
  writer.uint16At(10, additionals.written + (message.edns ? 1 : 0))
  return writer.finish()
}

function flagsOf(message: DnsMessage, cut: boolean): number {
  return (
    (message.isResponse ? 0x8000 : 0) |
    (message.opcode << 11) |
    (message.authoritative ? 0x0400 : 0) |
    (message.truncated || cut ? 0x0200 : 0) |
    (message.recursionDesired ? 0x0100 : 0) |
    (message.recursionAvailable ? 0x0080 : 0) |
    (message.authenticData ? 0x0020 : 0) |
    (message.checkingDisabled ? 0x0010 : 0) |
    (message.rcode & 15)
  )
}

function writeRecords(
  writer: Writer,
  records: readonly ResourceRecord[],
): { readonly written: number; readonly whole: boolean } {
  for (const [written, record] of records.entries()) {
    const before = writer.position
    writeRecord(writer, record)
    if (writer.position > writer.maxBytes) {
      writer.goBack(before)
      return { written, whole: false }
    }
  }
  return { written: records.length, whole: true }
}

function writeRecord(writer: Writer, record: ResourceRecord): void {
  writer.name(record.name)
  writer.uint16(typeCodeOf(record))
  writer.uint16(record.class ?? 1)
  writer.uint32(record.ttlSeconds)
  const lengthAt = writer.position
  writer.uint16(0)
  writeData(writer, record)
  writer.uint16At(lengthAt, writer.position - lengthAt - 2)
}

function writeData(writer: Writer, data: RecordData): void {
  switch (data.type) {
    case 'A':
    case 'AAAA':
      return writer.bytes(addressBytes(data.address, data.type === 'A' ? 4 : 16))
    case 'NS':
    case 'CNAME':
    case 'PTR':
      return writer.name(data.target)
    case 'MX':
      writer.uint16(data.preference)
      return writer.name(data.exchange)
    case 'SRV':
      writer.uint16(data.priority)
      writer.uint16(data.weight)
      writer.uint16(data.port)
      // RFC 2782: the target is not compressed
      return writer.name(data.target, false)
    case 'TXT':
      return data.texts.forEach((text) => writer.text(text))
    case 'SOA':
      writer.name(data.mname)
      writer.name(data.rname)
      for (const value of [data.serial, data.refresh, data.retry, data.expire, data.minimum]) writer.uint32(value)
      return
    case 'OTHER':
      return writer.bytes(data.data)
    default:
      data satisfies never
  }
}

function addressBytes(text: string, length: 4 | 16): Uint8Array {
  const address = parseIp(text)
  if (address?.bytes.length !== length) throw new RangeError(`Cannot encode address ${JSON.stringify(text)}`)
  return address.bytes
}

function writeOpt(writer: Writer, message: DnsMessage): void {
  const { udpPayloadSize, version, dnssecOk } = message.edns!
  writer.uint8(0)
  writer.uint16(recordTypes.OPT)
  writer.uint16(udpPayloadSize)
  writer.uint8(message.rcode >> 4)
  writer.uint8(version)
  writer.uint16(dnssecOk ? 0x8000 : 0)
  writer.uint16(0)
}

const maxPointer = 0x3fff
/** Shared by all messages, as one is written at a time; what leaves is a copy. */
let scratch = new Uint8Array(4096)

class Writer {
  position = 0
  readonly maxBytes: number
  #buffer = scratch
  /** Where each name suffix was first written. Spelling counts, so that answers keep their own case. */
  readonly #suffixes = new Map<string, number>()

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
  }

  finish(): Uint8Array {
    return this.#buffer.slice(0, this.position)
  }

  goBack(position: number): void {
    this.position = position
    for (const [suffix, at] of this.#suffixes) if (at >= position) this.#suffixes.delete(suffix)
  }

  uint8(value: number): void {
    this.#room(1)
    this.#buffer[this.position++] = value
  }

  uint16(value: number): void {
    this.#room(2)
    this.#buffer[this.position++] = value >> 8
    this.#buffer[this.position++] = value
  }

  uint32(value: number): void {
    this.uint16(value >>> 16)
    this.uint16(value & 0xffff)
  }

  uint16At(at: number, value: number): void {
    this.#buffer[at] = value >> 8
    this.#buffer[at + 1] = value
  }

  bytes(bytes: Uint8Array): void {
    this.#room(bytes.length)
    this.#buffer.set(bytes, this.position)
    this.position += bytes.length
  }

  /** A character string: one length byte, then at most 255 bytes. */
  text(text: string): void {
    if (text.length > 255) throw new RangeError(`Cannot encode a text of ${text.length} bytes`)
    this.uint8(text.length)
    for (let at = 0; at < text.length; at++) this.uint8(text.charCodeAt(at))
  }

  name(name: string, compress = true): void {
    let rest = name
    let wireBytes = 1
    while (rest !== '') {
      const known = compress ? this.#suffixes.get(rest) : undefined
      if (known !== undefined && wireBytes + wireBytesOf(rest) <= 256) return this.uint16(0xc000 | known)
      if (this.position <= maxPointer && !this.#suffixes.has(rest)) this.#suffixes.set(rest, this.position)
      const { label, after } = firstLabel(rest)
      wireBytes += label.length + 1
      if (label.length === 0 || label.length > 63 || wireBytes > 255) {
        throw new RangeError(`Cannot encode name ${JSON.stringify(name)}`)
      }
      this.text(label)
      rest = after
    }
    this.uint8(0)
  }

  #room(count: number): void {
    if (this.position + count <= this.#buffer.length) return
    const larger = new Uint8Array(Math.max(this.#buffer.length * 4, this.position + count))
    larger.set(this.#buffer)
    this.#buffer = scratch = larger
  }
}

function wireBytesOf(name: string): number {
  return name.replace(/\\([0-9]{3}|.)/g, '.').length + 2
}

function firstLabel(name: string): { label: string; after: string } {
  if (!name.includes('\\')) {
    const dot = name.indexOf('.')
    return dot < 0 ? { label: name, after: '' } : { label: name.slice(0, dot), after: name.slice(dot + 1) }
  }
  let label = ''
  let at = 0
  while (at < name.length && name[at] !== '.') {
    if (name[at] !== '\\') label += name[at++]
    else if (/^[0-9]{3}/.test(name.slice(at + 1, at + 4))) {
      label += String.fromCharCode(Number(name.slice(at + 1, at + 4)) & 255)
      at += 4
    } else {
      label += name[at + 1] ?? ''
      at += 2
    }
  }
  return { label, after: name.slice(at + 1) }
}
