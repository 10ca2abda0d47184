/**
 * Elements as netlink attributes. Runs tens of thousands of times in a first sync, so it writes words of four bytes:
 * everything in an element list is aligned to them.
 */
import type { IpFamily } from '#lib/ip.ts'
import { ipv4Word, parseIp } from '#lib/ip.ts'
import type { MessageWriter } from '#kernel/netlink/message.ts'
import { writeComment } from '#kernel/netlink/nftables.ts'
import { protocolNumber, type Protocol } from '../backend.ts'
import { listChain, shapeNumber, type ListShape } from './desired-list-chains.ts'
import type { Element } from './elements.ts'
import * as mark from './mark.ts'

const nested = 0x8000
const attribute = {
  listElement: 1 | nested,
  key: 1 | nested,
  data: 2 | nested,
  userData: 6,
  keyEnd: 10 | nested,
  value: 1,
  verdict: 2 | nested,
} as const

/** Writes one element into the open element list. `withData`: false for a deletion, which goes by key alone. */
export function encodeElement(writer: MessageWriter, family: IpFamily, element: Element, withData: boolean): void {
  const width = family === 'IPv4' ? 1 : 4
  switch (element.map) {
    case 'fronts': {
      const start = writer.length
      const at = begin(writer, width + 2, withData ? 1 : 0)
      writeAddress(writer.words, at, element.address, width)
      writePort(writer.words, at + width, element.protocol, element.port)
      if (!withData) return
      writer.words[at + width + 4] = element.mark
      if (element.comment !== undefined) addComment(writer, start, element.comment)
      return
    }
    case 'nodeports': {
      const at = begin(writer, 2, withData ? 1 : 0)
      writePort(writer.words, at, element.protocol, element.port)
      if (withData) writer.words[at + 4] = element.mark
      return
    }
    case 'slots': {
      const at = begin(writer, 2, withData ? width + 1 : 0)
      writer.words[at] = element.list
      writer.words[at + 1] = element.slot
      if (withData) writeTarget(writer.words, at + 4, element, width)
      return
    }
    case 'affinity-slots': {
      const at = begin(writer, 2, withData ? 1 : 0)
      writer.words[at] = element.list
      writer.words[at + 1] = element.slot
      if (withData) writer.words[at + 4] = element.endpoint
      return
    }
    case 'endpoints': {
      const at = begin(writer, 1, withData ? width + 1 : 0)
      writer.words[at] = element.endpoint
      if (withData) writeTarget(writer.words, at + 3, element, width)
      return
    }
    case 'cluster-ips': {
      const at = begin(writer, width, 0)
      writeAddress(writer.words, at, element.address, width)
      return
    }
    case 'hairpin': {
      const at = begin(writer, width * 2, 0)
      writeAddress(writer.words, at, element.address, width)
      writer.words.copyWithin(at + width, at, at + width)
      return
    }
    case 'no-endpoints': {
      const at = begin(writer, width + 2, 0)
      writeAddress(writer.words, at, element.address, width)
      writePort(writer.words, at + width, element.protocol, element.port)
      return
    }
    case 'no-endpoint-nodeports': {
      const at = begin(writer, 2, 0)
      writePort(writer.words, at, element.protocol, element.port)
      return
    }
    case 'lists':
      if (withData) encodeList(writer, element)
      else writer.words[begin(writer, 1, 0)] = element.list
      return
    case 'allowed-sources':
      encodeAllowedSource(writer, element, width)
      return
    default:
      element satisfies never
  }
}

/** Headers of an element with a key and (unless zero) data of so many words; the key starts at the index returned. */
function begin(writer: MessageWriter, keyWords: number, dataWords: number): number {
  const total = 3 + keyWords + (dataWords === 0 ? 0 : 2 + dataWords)
  const at = writer.takeWords(total)
  const { words } = writer
  words[at] = header(total, attribute.listElement)
  words[at + 1] = header(2 + keyWords, attribute.key)
  words[at + 2] = header(1 + keyWords, attribute.value)
  if (dataWords > 0) {
    words[at + 3 + keyWords] = header(2 + dataWords, attribute.data)
    words[at + 4 + keyWords] = header(1 + dataWords, attribute.value)
  }
  return at + 3
}

/** Where lists of this shape go on: elements of map `spreads`, by the shape's number and by the length in a mark. */
export function encodeSpread(writer: MessageWriter, shape: ListShape): void {
  const { count, affinitySeconds } = shape
  encodeGoto(writer, shapeNumber(count, affinitySeconds), listChain(shape))
  if (affinitySeconds === 0 && count <= mark.maxShortLength)
    encodeGoto(writer, mark.shortLength(count), listChain(shape))
}

function encodeGoto(writer: MessageWriter, number: number, chain: string): void {
  const opened = writer.open(attribute.listElement)
  const key = writer.open(attribute.key)
  writer.attr32(attribute.value, number).close(key)
  const data = writer.open(attribute.data)
  const verdict = writer.open(attribute.verdict)
  writer.attr32be(1, gotoCode).attrText(2, chain).close(verdict).close(data).close(opened)
}

const gotoCode = -4 >>> 0

const header = (words: number, type: number): number => (words * 4) | (type << 16)

function encodeList(writer: MessageWriter, element: Element & { map: 'lists' }): void {
  const start = writer.length
  const at = begin(writer, 1, 1)
  writer.words[at] = element.list
  writer.words[at + 3] = shapeNumber(element.count, element.affinitySeconds)
  addComment(writer, start, element.comment)
}

/** Makes the element that starts there longer than `begin` says. */
function addComment(writer: MessageWriter, start: number, comment: string): void {
  writeComment(writer, attribute.userData, comment)
  writer.close(start)
}

function encodeAllowedSource(
  writer: MessageWriter,
  element: Element & { map: 'allowed-sources' },
  width: number,
): void {
  const opened = writer.open(attribute.listElement)
  for (const [type, address] of [[attribute.key, element.from] as const, [attribute.keyEnd, element.to] as const]) {
    const at = writer.takeWords(3 + width)
    const { words } = writer
    words[at] = header(3 + width, type)
    words[at + 1] = header(2 + width, attribute.value)
    words[at + 2] = element.list
    writeAddress(words, at + 3, address, width)
  }
  writer.close(opened)
}

const swap16 = (port: number): number => ((port & 0xff) << 8) | (port >> 8)

function writePort(words: Int32Array, at: number, protocol: Protocol, port: number): void {
  words[at] = protocolNumber[protocol]
  words[at + 1] = swap16(port)
}

function writeTarget(words: Int32Array, at: number, target: { address: string; port: number }, width: number): void {
  writeAddress(words, at, target.address, width)
  words[at + width] = swap16(target.port)
}

function writeAddress(words: Int32Array, at: number, text: string, width: number): void {
  if (width === 1) {
    words[at] = ipv4Word(text)
    return
  }
  const address = parseIp(text)
  if (address?.family !== 'IPv6') throw new Error(`Cannot read an IPv6 address: ${JSON.stringify(text)}`)
  const view = new DataView(address.bytes.buffer, address.bytes.byteOffset)
  for (let word = 0; word < 4; word++) words[at + word] = view.getInt32(word * 4, true)
}
