/** Elements as netlink attributes. Runs tens of thousands of times in a first sync: no allocation per element. */
import type { IpFamily } from '#lib/ip.ts'
import { parseIp } from '#lib/ip.ts'
import type { MessageWriter } from '#kernel/netlink/message.ts'
import { commentBytes } from '#kernel/netlink/nftables.ts'
import { protocolNumber } from '../backend.ts'
import type { Element } from './elements.ts'

const attribute = { listElement: 1, key: 1, data: 2, userData: 6, keyEnd: 10, value: 1, verdict: 2 } as const
const gotoCode = -4 >>> 0

/** Writes one element into the open element list. `withData`: false for a deletion, which goes by key alone. */
export function encodeElement(writer: MessageWriter, family: IpFamily, element: Element, withData: boolean): void {
  const opened = writer.open(attribute.listElement)
  encodeKey(writer, family, element)
  if (withData) encodeData(writer, family, element)
  writer.close(opened)
}

function encodeKey(writer: MessageWriter, family: IpFamily, element: Element): void {
  const key = writer.open(attribute.key)
  const value = openValue(writer)
  switch (element.map) {
    case 'fronts':
    case 'no-endpoints':
      writeAddress(writer, family, element.address)
      writePort(writer, element.protocol, element.port)
      break
    case 'nodeports':
    case 'no-endpoint-nodeports':
      writePort(writer, element.protocol, element.port)
      break
    case 'lists':
      writer.u32(element.list)
      break
    case 'slots':
    case 'affinity-slots':
      writer.u32(element.list).u32(element.slot)
      break
    case 'endpoints':
      writer.u32(element.endpoint)
      break
    case 'cluster-ips':
      writeAddress(writer, family, element.address)
      break
    case 'hairpin':
      writeAddress(writer, family, element.address)
      writeAddress(writer, family, element.address)
      break
    case 'allowed-sources':
      writer.u32(element.list)
      writeAddress(writer, family, element.from)
      break
    default:
      element satisfies never
  }
  writer.close(value).close(key)
  if (element.map === 'allowed-sources') encodeKeyEnd(writer, family, element.list, element.to)
}

function encodeKeyEnd(writer: MessageWriter, family: IpFamily, list: number, to: string): void {
  const key = writer.open(attribute.keyEnd)
  const value = openValue(writer)
  writer.u32(list)
  writeAddress(writer, family, to)
  writer.close(value).close(key)
}

function encodeData(writer: MessageWriter, family: IpFamily, element: Element): void {
  switch (element.map) {
    case 'fronts':
    case 'nodeports':
      encodeMark(writer, element.mark)
      return
    case 'affinity-slots':
      encodeMark(writer, element.endpoint)
      return
    case 'slots':
    case 'endpoints': {
      const data = writer.open(attribute.data)
      const value = openValue(writer)
      writeAddress(writer, family, element.address)
      writer.u16be(element.port).u16(0).close(value).close(data)
      return
    }
    case 'lists': {
      const data = writer.open(attribute.data)
      const verdict = writer.open(attribute.verdict)
      writer.attr32be(1, gotoCode).attrText(2, element.chain)
      writer.close(verdict).close(data)
      writer.attrBytes(attribute.userData, commentBytes(element.comment))
      return
    }
    case 'cluster-ips':
    case 'no-endpoints':
    case 'no-endpoint-nodeports':
    case 'hairpin':
    case 'allowed-sources':
      return
    default:
      element satisfies never
  }
}

function encodeMark(writer: MessageWriter, mark: number): void {
  const data = writer.open(attribute.data)
  writer.attr32(attribute.value, mark).close(data)
}

const openValue = (writer: MessageWriter): number => writer.open(attribute.value)

function writePort(writer: MessageWriter, protocol: keyof typeof protocolNumber, port: number): void {
  writer.u32(protocolNumber[protocol]).u16be(port).u16(0)
}

function writeAddress(writer: MessageWriter, family: IpFamily, text: string): void {
  if (family === 'IPv4') {
    writer.u32be(parseIpv4Number(text))
    return
  }
  const address = parseIp(text)
  if (address?.family !== 'IPv6') throw new Error(`Cannot read an IPv6 address: ${JSON.stringify(text)}`)
  writer.raw(address.bytes)
}

function parseIpv4Number(text: string): number {
  let address = 0
  let part = 0
  let dots = 0
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code === 46) {
      address = (address << 8) | part
      part = 0
      dots++
    } else if (code >= 48 && code <= 57) part = part * 10 + code - 48
    else dots = 9
  }
  if (dots !== 3 || part > 255) throw new Error(`Cannot read an IPv4 address: ${JSON.stringify(text)}`)
  return ((address << 8) | part) >>> 0
}
