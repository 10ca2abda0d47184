/** Reads DNS messages off the wire. Whatever the bytes are, it returns; undefined means malformed. */
import { formatIp } from '#lib/ip.ts'
import { type DnsMessage, type Edns, headerBytes, type Question, type RecordData, recordTypes } from './message.ts'
import type { ResourceRecord } from './message.ts'

export function decodeMessage(packet: Uint8Array): DnsMessage | undefined {
  try {
    return decodeWhole(new Reader(packet))
  } catch (error) {
    if (error instanceof MalformedMessage) return undefined
    throw error
  }
}

export interface DnsHeader {
  readonly id: number
  readonly isResponse: boolean
  readonly opcode: number
  readonly recursionDesired: boolean
}

/** What can still be told of a message whose rest is malformed; undefined below twelve bytes. */
export function decodeHeader(packet: Uint8Array): DnsHeader | undefined {
  if (packet.length < headerBytes) return undefined
  const flags = (packet[2]! << 8) | packet[3]!
  return {
    id: (packet[0]! << 8) | packet[1]!,
    isResponse: (flags & 0x8000) !== 0,
    opcode: (flags >> 11) & 15,
    recursionDesired: (flags & 0x0100) !== 0,
  }
}

function decodeWhole(reader: Reader): DnsMessage {
  const id = reader.uint16()
  const flags = reader.uint16()
  const counts = [reader.uint16(), reader.uint16(), reader.uint16(), reader.uint16()] as const
  const questions: Question[] = []
  for (let index = 0; index < counts[0]; index++) questions.push(decodeQuestion(reader))
  const answers = decodeRecords(reader, counts[1])
  const authorities = decodeRecords(reader, counts[2])
  const additionals = decodeRecords(reader, counts[3])
  if (answers.opt || authorities.opt) throw new MalformedMessage()
  return {
    id,
    isResponse: (flags & 0x8000) !== 0,
    opcode: (flags >> 11) & 15,
    authoritative: (flags & 0x0400) !== 0,
    truncated: (flags & 0x0200) !== 0,
    recursionDesired: (flags & 0x0100) !== 0,
    recursionAvailable: (flags & 0x0080) !== 0,
    authenticData: (flags & 0x0020) !== 0,
    checkingDisabled: (flags & 0x0010) !== 0,
    rcode: (flags & 15) | ((additionals.opt?.extendedRcode ?? 0) << 4),
    questions,
    answers: answers.records,
    authorities: authorities.records,
    additionals: additionals.records,
    ...(additionals.opt && { edns: additionals.opt.edns }),
  }
}

function decodeQuestion(reader: Reader): Question {
  return { name: reader.name(), type: reader.uint16(), class: reader.uint16() }
}

interface Opt {
  readonly edns: Edns
  readonly extendedRcode: number
}

function decodeRecords(reader: Reader, count: number): { records: ResourceRecord[]; opt: Opt | undefined } {
  const records: ResourceRecord[] = []
  let opt: Opt | undefined
  for (let index = 0; index < count; index++) {
    const name = reader.name()
    const code = reader.uint16()
    const recordClass = reader.uint16()
    const ttl = reader.uint32()
    const length = reader.uint16()
    const end = reader.position + length
    if (end > reader.length) throw new MalformedMessage()
    if (code === recordTypes.OPT) {
      // RFC 6891 6.1.1: at most one OPT, owned by the root
      if (opt || name !== '') throw new MalformedMessage()
      opt = decodeOpt(recordClass, ttl)
      reader.position = end
      continue
    }
    const data = decodeData(reader, code, end)
    if (reader.position !== end) throw new MalformedMessage()
    records.push({ name, ttlSeconds: ttl, ...(recordClass !== 1 && { class: recordClass }), ...data })
  }
  return { records, opt }
}

function decodeOpt(recordClass: number, ttl: number): Opt {
  return {
    edns: { udpPayloadSize: recordClass, version: (ttl >>> 16) & 255, dnssecOk: (ttl & 0x8000) !== 0 },
    extendedRcode: ttl >>> 24,
  }
}

function decodeData(reader: Reader, code: number, end: number): RecordData {
  switch (code) {
    case recordTypes.A:
      return { type: 'A', address: formatIp({ family: 'IPv4', bytes: reader.bytes(4) }) }
    case recordTypes.AAAA:
      return { type: 'AAAA', address: formatIp({ family: 'IPv6', bytes: reader.bytes(16) }) }
    case recordTypes.NS:
      return { type: 'NS', target: reader.name() }
    case recordTypes.CNAME:
      return { type: 'CNAME', target: reader.name() }
    case recordTypes.PTR:
      return { type: 'PTR', target: reader.name() }
    case recordTypes.MX:
      return { type: 'MX', preference: reader.uint16(), exchange: reader.name() }
    case recordTypes.SRV:
      return {
        type: 'SRV',
        priority: reader.uint16(),
        weight: reader.uint16(),
        port: reader.uint16(),
        target: reader.name(),
      }
    case recordTypes.SOA:
      return {
        type: 'SOA',
        mname: reader.name(),
        rname: reader.name(),
        serial: reader.uint32(),
        refresh: reader.uint32(),
        retry: reader.uint32(),
        expire: reader.uint32(),
        minimum: reader.uint32(),
      }
    case recordTypes.TXT: {
      const texts: string[] = []
      while (reader.position < end) texts.push(String.fromCharCode(...reader.bytes(reader.uint8())))
      return { type: 'TXT', texts }
    }
    default:
      return { type: 'OTHER', code, data: reader.bytes(end - reader.position) }
  }
}

class MalformedMessage extends Error {}

const maxNameBytes = 255

class Reader {
  position = 0
  readonly #packet: Uint8Array

  constructor(packet: Uint8Array) {
    this.#packet = packet
  }

  get length(): number {
    return this.#packet.length
  }

  uint8(): number {
    const byte = this.#packet[this.position++]
    if (byte === undefined) throw new MalformedMessage()
    return byte
  }

  uint16(): number {
    return (this.uint8() << 8) | this.uint8()
  }

  uint32(): number {
    return this.uint16() * 0x10000 + this.uint16()
  }

  bytes(count: number): Uint8Array {
    const end = this.position + count
    if (end > this.#packet.length) throw new MalformedMessage()
    const bytes = this.#packet.slice(this.position, end)
    this.position = end
    return bytes
  }

  name(): string {
    let text = ''
    let wireBytes = 1
    let at = this.position
    /** Pointers must go back each time: that alone makes loops impossible. */
    let limit = at
    let jumped = false
    for (;;) {
      const length = this.#packet[at]
      if (length === undefined) throw new MalformedMessage()
      if (length >= 0xc0) {
        const low = this.#packet[at + 1]
        if (low === undefined) throw new MalformedMessage()
        const target = ((length & 0x3f) << 8) | low
        if (target >= limit) throw new MalformedMessage()
        if (!jumped) this.position = at + 2
        jumped = true
        at = limit = target
        continue
      }
      if (length > 63) throw new MalformedMessage()
      at++
      if (length === 0) break
      wireBytes += length + 1
      if (wireBytes > maxNameBytes || at + length > this.#packet.length) throw new MalformedMessage()
      text += (text === '' ? '' : '.') + labelText(this.#packet, at, at + length)
      at += length
    }
    if (!jumped) this.position = at
    return text
  }
}

function labelText(packet: Uint8Array, from: number, to: number): string {
  let text = ''
  for (let at = from; at < to; at++) {
    const byte = packet[at]!
    if (byte === 0x2e || byte === 0x5c) text += `\\${String.fromCharCode(byte)}`
    else if (byte > 0x20 && byte < 0x7f) text += String.fromCharCode(byte)
    else text += `\\${String(byte).padStart(3, '0')}`
  }
  return text
}
