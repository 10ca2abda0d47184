/**
 * The first packets of an SCTP association (RFC 9260): INIT, INIT ACK with a text as its state cookie, ABORT. Enough to
 * see who answers and whom it sees, through raw sockets, on kernels whose connection tracking knows SCTP but that have
 * no SCTP sockets.
 */
export interface SctpPacket {
  readonly sourcePort: number
  readonly destinationPort: number
  /** The tag by which the receiver knows its association; 0 in an INIT. */
  readonly verificationTag: number
  readonly type: keyof typeof chunkType
  /** What the other side shall use as verification tag; 0 in an ABORT. */
  readonly initiateTag: number
  /** Only in an INIT ACK. */
  readonly cookie: string
}

export const IPPROTO_SCTP = 132
const chunkType = { INIT: 1, 'INIT ACK': 2, ABORT: 6 } as const
const stateCookie = 7
const headerBytes = 12
const initBytes = 20
const abortBytes = 4
const parameterBytes = 4

export function encodeSctp(packet: SctpPacket): Buffer {
  const cookie = Buffer.from(packet.cookie)
  const withCookie = initBytes + (cookie.length > 0 ? parameterBytes + cookie.length : 0)
  const chunkBytes = packet.type === 'ABORT' ? abortBytes : withCookie
  const bytes = Buffer.alloc(headerBytes + Math.ceil(chunkBytes / 4) * 4)
  bytes.writeUInt16BE(packet.sourcePort, 0)
  bytes.writeUInt16BE(packet.destinationPort, 2)
  bytes.writeUInt32BE(packet.verificationTag, 4)
  bytes.writeUInt8(chunkType[packet.type], 12)
  bytes.writeUInt16BE(chunkBytes, 14)
  if (packet.type !== 'ABORT') writeInit(bytes, packet.initiateTag, cookie)
  bytes.writeUInt32LE(crc32c(bytes), 8)
  return bytes
}

function writeInit(bytes: Buffer, initiateTag: number, cookie: Buffer): void {
  bytes.writeUInt32BE(initiateTag, 16)
  bytes.writeUInt32BE(0x10000, 20) // receiver window
  bytes.writeUInt16BE(1, 24) // outbound streams
  bytes.writeUInt16BE(1, 26) // inbound streams
  if (cookie.length > 0) {
    bytes.writeUInt16BE(stateCookie, headerBytes + initBytes)
    bytes.writeUInt16BE(parameterBytes + cookie.length, headerBytes + initBytes + 2)
    cookie.copy(bytes, headerBytes + initBytes + parameterBytes)
  }
}

/** Undefined for other kinds of packets, and for a wrong checksum. */
export function decodeSctp(bytes: Buffer): SctpPacket | undefined {
  if (bytes.length < headerBytes + abortBytes || !isIntact(bytes)) return undefined
  const number = bytes.readUInt8(12)
  const type = (['INIT', 'INIT ACK', 'ABORT'] as const).find((name) => chunkType[name] === number)
  const at = headerBytes + initBytes
  if (!type || (type !== 'ABORT' && bytes.length < at)) return undefined
  const hasCookie = bytes.length >= at + parameterBytes && bytes.readUInt16BE(at) === stateCookie
  return {
    sourcePort: bytes.readUInt16BE(0),
    destinationPort: bytes.readUInt16BE(2),
    verificationTag: bytes.readUInt32BE(4),
    type,
    initiateTag: type === 'ABORT' ? 0 : bytes.readUInt32BE(16),
    cookie: hasCookie ? bytes.toString('utf8', at + parameterBytes, at + bytes.readUInt16BE(at + 2)) : '',
  }
}

function isIntact(bytes: Buffer): boolean {
  const copy = Buffer.from(bytes)
  copy.writeUInt32LE(0, 8)
  return crc32c(copy) === bytes.readUInt32LE(8)
}

/** Castagnoli's polynomial, reflected. */
const polynomial = 0x82f63b78
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1
  return value
})

export function crc32c(bytes: Uint8Array): number {
  let value = 0xffffffff
  for (const byte of bytes) value = table[(value ^ byte) & 255]! ^ (value >>> 8)
  return ~value >>> 0
}
