/** Elements from what the kernel lists: the way back from `encode-elements.ts`. */
import type { IpFamily } from '#lib/ip.ts'
import { formatIp } from '#lib/ip.ts'
import type { ListedElement } from '#kernel/netlink/nftables.ts'
import { protocolNumber, type Protocol } from '../backend.ts'
import { shapeOf } from './desired-list-chains.ts'
import type { Element, MapName } from './elements.ts'

const protocolNames = new Map<number, Protocol>(
  (Object.keys(protocolNumber) as Protocol[]).map((name) => [protocolNumber[name], name]),
)

/** Undefined for an element that this table never has (made by somebody else). */
export function decodeElement(family: IpFamily, map: MapName, listed: ListedElement): Element | undefined {
  const { key } = listed
  const data = listed.data ?? empty
  const width = family === 'IPv4' ? 4 : 16
  const address = (bytes: Buffer, at: number) =>
    family === 'IPv4'
      ? `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`
      : formatIp({ family, bytes: bytes.subarray(at, at + width) })
  switch (map) {
    case 'fronts':
    case 'no-endpoints': {
      const protocol = protocolNames.get(key[width]!)
      const front = { address: address(key, 0), port: key.readUInt16BE(width + 4) }
      if (!protocol) return undefined
      if (map === 'no-endpoints') return { map, protocol, ...front }
      const { comment } = listed
      return { map, protocol, ...front, mark: data.readUInt32LE(0), ...(comment !== undefined && { comment }) }
    }
    case 'nodeports':
    case 'no-endpoint-nodeports': {
      const protocol = protocolNames.get(key[0]!)
      const port = key.readUInt16BE(4)
      if (!protocol) return undefined
      return map === 'nodeports' ? { map, protocol, port, mark: data.readUInt32LE(0) } : { map, protocol, port }
    }
    case 'lists':
      return { map, list: key.readUInt32LE(0), ...shapeOf(data.readUInt32LE(0)), comment: listed.comment ?? '' }
    case 'slots': {
      const [list, slot] = [key.readUInt32LE(0), key.readUInt32LE(4)]
      return { map, list, slot, address: address(data, 0), port: data.readUInt16BE(width) }
    }
    case 'affinity-slots':
      return { map, list: key.readUInt32LE(0), slot: key.readUInt32LE(4), endpoint: data.readUInt32LE(0) }
    case 'endpoints':
      return { map, endpoint: key.readUInt32LE(0), address: address(data, 0), port: data.readUInt16BE(width) }
    case 'cluster-ips':
      return { map, address: address(key, 0) }
    case 'hairpin':
      return { map, address: address(key, 0) }
    case 'allowed-sources': {
      const end = listed.keyEnd ?? key
      return { map, list: key.readUInt32LE(0), from: address(key, 4), to: address(end, 4) }
    }
    default:
      return map satisfies never
  }
}

const empty = Buffer.alloc(20)
