/** Connection tracking by netlink: list and delete flows, filtered in the kernel. */
import { formatIp, parseIp, type IpFamily } from '#lib/ip.ts'
import { errnoOf } from '../libc.ts'
import { MessageWriter, readAttributes } from './message.ts'
import { isNetlinkError, type Netlink } from './socket.ts'

const messageType = (type: number) => (1 << 8) | type
const GET = messageType(1)
const DELETE = messageType(2)
const GET_STATS = messageType(5)
const attribute = { tupleOrig: 1, tupleReply: 2, status: 3, mark: 8, id: 12, filter: 25 } as const
const tuple = { ip: 1, protocol: 2 } as const
const ip = { v4Source: 1, v4Destination: 2, v6Source: 3, v6Destination: 4 } as const
const proto = { number: 1, sourcePort: 2, destinationPort: 3 } as const
const filterFlag = { source: 1, destination: 2, protocol: 8, sourcePort: 16, destinationPort: 32 } as const
const familyNumber = { IPv4: 2, IPv6: 10 } as const

/** What flows must have. At least the protocol: a deletion without any condition would empty the whole table. */
export interface FlowFilter {
  readonly family: IpFamily
  /** IPPROTO number. */
  readonly protocol: number
  /** Where the client sent it, before translation. */
  readonly destination?: string
  readonly destinationPort?: number
  /** Who answers, after translation. */
  readonly replySource?: string
}

export interface Flow {
  readonly family: IpFamily
  readonly protocol: number
  readonly source: string
  readonly sourcePort: number
  readonly destination: string
  readonly destinationPort: number
  readonly replySource: string
  readonly replySourcePort: number
  readonly mark: number
  readonly id: number
}

/** Flows that the socket's network namespace tracks, of all families and protocols. */
export function countFlows(socket: Netlink): number {
  const answer = socket.get(new MessageWriter(256).message(GET_STATS).u8(0).u8(0).u16(0))
  return readAttributes(answer.body, 4).get(1)!.readUInt32BE(0)
}

/** Lists what matches. Kernels before 5.8 ignore filters in dumps: matching is repeated here. */
export function listFlows(socket: Netlink, filter: FlowFilter): Flow[] {
  const flows: Flow[] = []
  // A listing walks the hash table that all namespaces of the machine share: 7 ms, also where nothing is tracked.
  if (countFlows(socket) === 0) return flows
  socket.dump(writeFilter(begin(GET, filter.family), kernelFilter(filter)), ({ body }) => {
    const flow = readFlow(filter.family, body)
    if (flow && matches(flow, filter)) flows.push(flow)
  })
  return flows
}

/** Deletes what matches in one message where the kernel can, else one by one. */
export function deleteFlows(socket: Netlink, filter: FlowFilter): void {
  if (kernelFilter(filter) !== filter) {
    for (const flow of listFlows(socket, filter)) deleteFlow(socket, flow)
    return
  }
  try {
    socket.request(writeFilter(begin(DELETE, filter.family), filter), { tolerate: [errnoOf.ENOENT ?? 2] })
  } catch (error) {
    const isUnsupported = [errnoOf.EINVAL ?? 22, errnoOf.EOPNOTSUPP ?? 95].some((errno) => isNetlinkError(error, errno))
    if (!isUnsupported) throw error
    for (const flow of listFlows(socket, filter)) deleteFlow(socket, flow)
  }
}

/** Deletes this flow and not a later one with the same addresses; fine when it is gone already. */
export function deleteFlow(socket: Netlink, flow: Flow): void {
  const writer = begin(DELETE, flow.family)
  writer.nest(attribute.tupleOrig, () => {
    writeAddresses(writer, flow.source, flow.destination)
    writer.nest(tuple.protocol, () =>
      writer
        .attr8(proto.number, flow.protocol)
        .attr16be(proto.sourcePort, flow.sourcePort)
        .attr16be(proto.destinationPort, flow.destinationPort),
    )
  })
  writer.attr32be(attribute.id, flow.id)
  socket.request(writer, { tolerate: [errnoOf.ENOENT ?? 2] })
}

/** Kernels match IPv6 addresses in filters the wrong way round (seen with 6.18): they are left to `matches`. */
function kernelFilter(filter: FlowFilter): FlowFilter {
  const { destination, replySource, ...rest } = filter
  if (filter.family === 'IPv4' || (destination === undefined && replySource === undefined)) return filter
  return rest
}

const begin = (type: number, family: IpFamily) =>
  new MessageWriter(256).message(type).u8(familyNumber[family]).u8(0).u16(0)

function writeFilter(writer: MessageWriter, filter: FlowFilter): MessageWriter {
  const { destination, destinationPort, replySource } = filter
  writer.nest(attribute.tupleOrig, () => {
    if (destination !== undefined) writeAddresses(writer, undefined, destination)
    writer.nest(tuple.protocol, () => {
      writer.attr8(proto.number, filter.protocol)
      if (destinationPort !== undefined) writer.attr16be(proto.destinationPort, destinationPort)
    })
  })
  if (replySource !== undefined) {
    writer.nest(attribute.tupleReply, () => {
      writeAddresses(writer, replySource, undefined)
      writer.nest(tuple.protocol, () => writer.attr8(proto.number, filter.protocol))
    })
  }
  const orig =
    filterFlag.protocol |
    (destination === undefined ? 0 : filterFlag.destination) |
    (destinationPort === undefined ? 0 : filterFlag.destinationPort)
  return writer.nest(attribute.filter, () =>
    writer.attr32(1, orig).attr32(2, replySource === undefined ? 0 : filterFlag.source | filterFlag.protocol),
  )
}

function writeAddresses(writer: MessageWriter, source: string | undefined, destination: string | undefined): void {
  writer.nest(tuple.ip, () => {
    if (source !== undefined) writeAddress(writer, source, ip.v4Source, ip.v6Source)
    if (destination !== undefined) writeAddress(writer, destination, ip.v4Destination, ip.v6Destination)
  })
}

function writeAddress(writer: MessageWriter, text: string, v4: number, v6: number): void {
  const address = parseIp(text)
  if (!address) throw new Error(`Cannot read an address: ${JSON.stringify(text)}`)
  writer.attrBytes(address.family === 'IPv4' ? v4 : v6, address.bytes)
}

const matches = (flow: Flow, filter: FlowFilter): boolean =>
  flow.protocol === filter.protocol &&
  (filter.destination === undefined || flow.destination === filter.destination) &&
  (filter.destinationPort === undefined || flow.destinationPort === filter.destinationPort) &&
  (filter.replySource === undefined || flow.replySource === filter.replySource)

function readFlow(family: IpFamily, body: Buffer): Flow | undefined {
  const attributes = readAttributes(body, 4)
  const orig = readTuple(family, attributes.get(attribute.tupleOrig))
  const reply = readTuple(family, attributes.get(attribute.tupleReply))
  if (!orig || !reply) return undefined
  return {
    family,
    ...orig,
    replySource: reply.source,
    replySourcePort: reply.sourcePort,
    mark: attributes.get(attribute.mark)?.readUInt32BE(0) ?? 0,
    id: attributes.get(attribute.id)?.readUInt32BE(0) ?? 0,
  }
}

function readTuple(family: IpFamily, bytes: Buffer | undefined) {
  if (!bytes) return undefined
  const parts = readAttributes(bytes)
  const addresses = readAttributes(parts.get(tuple.ip) ?? empty)
  const protocol = readAttributes(parts.get(tuple.protocol) ?? empty)
  const [source, destination] = family === 'IPv4' ? [ip.v4Source, ip.v4Destination] : [ip.v6Source, ip.v6Destination]
  const text = (type: number) => formatIp({ family, bytes: addresses.get(type) ?? empty })
  return {
    protocol: protocol.get(proto.number)?.[0] ?? 0,
    source: text(source),
    destination: text(destination),
    sourcePort: protocol.get(proto.sourcePort)?.readUInt16BE(0) ?? 0,
    destinationPort: protocol.get(proto.destinationPort)?.readUInt16BE(0) ?? 0,
  }
}

const empty = Buffer.alloc(0)
