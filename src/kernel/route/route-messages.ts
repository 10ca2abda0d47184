/** rtnetlink requests: each function appends one message. Numbers and layouts: linux/rtnetlink.h, if_link.h. */
import { maskIp, parseCidr, parseIp, type Cidr, type IpAddress } from '#lib/ip.ts'
import { nlmsgFlag, type MessageWriter } from '../netlink/message.ts'

const RTM = {
  newLink: 16,
  deleteLink: 17,
  newAddress: 20,
  deleteAddress: 21,
  newRoute: 24,
  deleteRoute: 25,
  newNeighbour: 28,
} as const
const IFLA = { address: 1, name: 3, master: 10, linkInfo: 18, netnsFd: 28, gsoIpv4MaxSize: 63 } as const
const INFO = { kind: 1, data: 2 } as const
const VETH_INFO_PEER = 1
const IFF_UP = 1
const IFA = { address: 1, local: 2 } as const
const IFA_F_NODAD = 2
const RTA = { destination: 1, outputDevice: 4, gateway: 5 } as const
const NDA = { destination: 1, linkAddress: 2 } as const
const RT_TABLE_MAIN = 254
const RTPROT_STATIC = 4
const RT_SCOPE_LINK = 253
const RT_SCOPE_NOWHERE = 255
const RTN_UNICAST = 1
const RTN_UNREACHABLE = 7
const RTNH_F_ONLINK = 4
const NUD_PERMANENT = 0x80
const createNew = nlmsgFlag.create | nlmsgFlag.exclusive

export interface VethEnd {
  readonly name: string
  /** Chosen by us, so that later messages need no look-up. Unique in its namespace. */
  readonly index: number
  readonly mac: string
}

export interface Route {
  /** A range, or `default` (of the family of `via`). */
  readonly to: string
  readonly via?: string
  readonly linkIndex?: number
  /** Packets are refused at once. */
  readonly unreachable?: true
}

export function addVeth(writer: MessageWriter, near: VethEnd, far: VethEnd, farNetnsFd: number): void {
  linkHeader(writer.message(RTM.newLink, createNew), near.index, IFF_UP)
  vethEnd(writer, near)
  writer.nest(IFLA.linkInfo, () => {
    writer.attrText(INFO.kind, 'veth')
    writer.nest(INFO.data, () => {
      writer.nest(VETH_INFO_PEER, () => {
        linkHeader(writer, far.index, 0)
        vethEnd(writer, far)
        writer.attr32(IFLA.netnsFd, farNetnsFd)
      })
    })
  })
}

/**
 * "BIG TCP": what TCP sends passes all links as packets of up to 128 KiB, twice the usual. Every link on the way has
 * to allow it, or cuts them up. Kernels before 6.3 ignore the attribute.
 */
const gsoMaxBytes = 128 * 1024

function vethEnd(writer: MessageWriter, { name, mac }: VethEnd): void {
  writer.attrText(IFLA.name, name).attrBytes(IFLA.address, macBytes(mac))
  writer.attr32(IFLA.gsoIpv4MaxSize, gsoMaxBytes)
}

/** Without `mac` the bridge has that of one of its ports, now of this, now of that one. */
export function addBridge(writer: MessageWriter, name: string, index: number, mac?: string): void {
  linkHeader(writer.message(RTM.newLink, createNew), index, IFF_UP)
  writer.attrText(IFLA.name, name)
  if (mac !== undefined) writer.attrBytes(IFLA.address, macBytes(mac))
  writer.nest(IFLA.linkInfo, () => writer.attrText(INFO.kind, 'bridge'))
}

export function setLinkUp(writer: MessageWriter, index: number, masterIndex?: number): void {
  linkHeader(writer.message(RTM.newLink), index, IFF_UP)
  if (masterIndex !== undefined) writer.attr32(IFLA.master, masterIndex)
}

export function deleteLink(writer: MessageWriter, index: number): void {
  linkHeader(writer.message(RTM.deleteLink), index, 0)
}

/** `address` is an address with its prefix length. An IPv6 one works at once: nobody is asked whether it is taken. */
export function addAddress(writer: MessageWriter, linkIndex: number, address: string): void {
  addressBody(writer.message(RTM.newAddress, createNew), linkIndex, address)
}

export function deleteAddress(writer: MessageWriter, linkIndex: number, address: string): void {
  addressBody(writer.message(RTM.deleteAddress), linkIndex, address)
}

function addressBody(writer: MessageWriter, linkIndex: number, address: string): void {
  const { base, prefixLength } = requireCidr(address)
  const flags = base.family === 'IPv6' ? IFA_F_NODAD : 0
  writer.u8(familyNumber(base)).u8(prefixLength).u8(flags).u8(0).u32(linkIndex)
  writer.attrBytes(IFA.local, base.bytes).attrBytes(IFA.address, base.bytes)
}

export function addRoute(writer: MessageWriter, route: Route): void {
  // CREATE with REPLACE: a route that leads elsewhere is corrected.
  const scope = route.via === undefined && !route.unreachable ? RT_SCOPE_LINK : 0
  routeBody(writer.message(RTM.newRoute, nlmsgFlag.create | nlmsgFlag.replace), route, scope)
}

export function deleteRoute(writer: MessageWriter, route: Route): void {
  routeBody(writer.message(RTM.deleteRoute), route, RT_SCOPE_NOWHERE)
}

function routeBody(writer: MessageWriter, { to, via, linkIndex, unreachable }: Route, scope: number): void {
  const cidr = to === 'default' ? undefined : requireCidr(to)
  const gateway = via === undefined ? undefined : requireIp(via)
  const family = familyNumber(cidr?.base ?? gateway ?? requireIp('0.0.0.0'))
  const onLink = gateway && linkIndex !== undefined ? RTNH_F_ONLINK : 0
  writer
    .u8(family)
    .u8(cidr?.prefixLength ?? 0)
    .u8(0)
    .u8(0)
  writer.u8(RT_TABLE_MAIN).u8(RTPROT_STATIC).u8(scope)
  writer.u8(unreachable ? RTN_UNREACHABLE : RTN_UNICAST).u32(onLink)
  if (cidr) writer.attrBytes(RTA.destination, maskIp(cidr.base, cidr.prefixLength).bytes)
  if (gateway) writer.attrBytes(RTA.gateway, gateway.bytes)
  if (linkIndex !== undefined) writer.attr32(RTA.outputDevice, linkIndex)
}

export function addPermanentNeighbour(writer: MessageWriter, linkIndex: number, ip: string, mac: string): void {
  const address = requireIp(ip)
  writer.message(RTM.newNeighbour, nlmsgFlag.create | nlmsgFlag.replace)
  writer.u8(familyNumber(address)).u8(0).u16(0).i32(linkIndex).u16(NUD_PERMANENT).u8(0).u8(0)
  writer.attrBytes(NDA.destination, address.bytes).attrBytes(NDA.linkAddress, macBytes(mac))
}

function linkHeader(writer: MessageWriter, index: number, flags: number): void {
  writer.u8(0).u8(0).u16(0).i32(index).u32(flags).u32(flags)
}

export function macBytes(mac: string): Uint8Array {
  return Uint8Array.from(mac.split(':'), (part) => Number.parseInt(part, 16))
}

const familyNumber = (address: IpAddress) => (address.family === 'IPv4' ? 2 : 10)

function requireIp(text: string): IpAddress {
  const address = parseIp(text)
  if (!address) throw new Error(`Cannot read an address: ${JSON.stringify(text)}`)
  return address
}

function requireCidr(text: string): Cidr {
  const cidr = parseCidr(text)
  if (!cidr) throw new Error(`Cannot read an address range: ${JSON.stringify(text)}`)
  return cidr
}
