/** SPDY/3.1 frames (draft-mbelshe-httpbis-spdy-00 with the 3.1 session window): bytes to values and back. */

export type SpdyHeaders = Readonly<Record<string, string>>

export type SpdyFrame =
  | { readonly type: 'data'; readonly streamId: number; readonly fin: boolean; readonly data: Uint8Array }
  | {
      readonly type: 'synStream'
      readonly streamId: number
      readonly fin: boolean
      /** Compressed; blocks of one direction must be inflated in order. */
      readonly headerBlock: Uint8Array
    }
  | { readonly type: 'synReply'; readonly streamId: number; readonly fin: boolean; readonly headerBlock: Uint8Array }
  | { readonly type: 'headers'; readonly streamId: number; readonly fin: boolean; readonly headerBlock: Uint8Array }
  | { readonly type: 'rstStream'; readonly streamId: number; readonly status: number }
  | { readonly type: 'ping'; readonly id: number }
  | { readonly type: 'goAway'; readonly lastStreamId: number; readonly status: number }
  | { readonly type: 'windowUpdate'; readonly streamId: number; readonly delta: number }
  | { readonly type: 'other'; readonly controlType: number }

export const rstStatus = { protocolError: 1, refusedStream: 3, cancel: 5, internalError: 6 } as const

const controlBit = 0x8000
const version = 3
const fin = 1
const headBytes = 8
const controlTypes = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const

export function encodeFrame(frame: Exclude<SpdyFrame, { type: 'other' }>): Uint8Array {
  switch (frame.type) {
    case 'data': {
      const head = Buffer.alloc(headBytes)
      head.writeUInt32BE(frame.streamId)
      head.writeUInt32BE(frame.data.length, 4)
      head[4] = frame.fin ? fin : 0
      return Buffer.concat([head, frame.data])
    }
    case 'synStream':
      // Associated stream, priority and slot are all zero.
      return control(controlTypes.synStream, frame.fin, [uint32(frame.streamId), Buffer.alloc(6), frame.headerBlock])
    case 'synReply':
      return control(controlTypes.synReply, frame.fin, [uint32(frame.streamId), frame.headerBlock])
    case 'headers':
      return control(controlTypes.headers, frame.fin, [uint32(frame.streamId), frame.headerBlock])
    case 'rstStream':
      return control(controlTypes.rstStream, false, [uint32(frame.streamId), uint32(frame.status)])
    case 'ping':
      return control(controlTypes.ping, false, [uint32(frame.id)])
    case 'goAway':
      return control(controlTypes.goAway, false, [uint32(frame.lastStreamId), uint32(frame.status)])
    case 'windowUpdate':
      return control(controlTypes.windowUpdate, false, [uint32(frame.streamId), uint32(frame.delta)])
    default:
      return frame satisfies never
  }
}

function control(type: number, isLast: boolean, parts: readonly Uint8Array[]): Uint8Array {
  const head = Buffer.alloc(headBytes)
  head.writeUInt16BE(controlBit | version)
  head.writeUInt16BE(type, 2)
  head.writeUInt32BE(
    parts.reduce((sum, part) => sum + part.length, 0),
    4,
  )
  head[4] = isLast ? fin : 0
  return Buffer.concat([head, ...parts])
}

function uint32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** Feed it chunks in order; each call returns the frames that have become complete. Throws for what is not SPDY/3. */
export class SpdyFrameDecoder {
  #rest: Buffer = Buffer.alloc(0)

  push(chunk: Uint8Array): SpdyFrame[] {
    let bytes =
      this.#rest.length === 0
        ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
        : Buffer.concat([this.#rest, chunk])
    const frames: SpdyFrame[] = []
    while (bytes.length >= headBytes) {
      const end = headBytes + bytes.readUIntBE(5, 3)
      if (bytes.length < end) break
      frames.push(decodeFrame(bytes.subarray(0, end)))
      bytes = bytes.subarray(end)
    }
    this.#rest = bytes
    return frames
  }
}

function decodeFrame(frame: Buffer): SpdyFrame {
  const first = frame.readUInt16BE(0)
  const isLast = (frame[4]! & fin) !== 0
  const payload = frame.subarray(headBytes)
  if ((first & controlBit) === 0) {
    return { type: 'data', streamId: streamId(frame, 0), fin: isLast, data: payload }
  }
  if ((first & ~controlBit) !== version) throw new Error(`Cannot read a SPDY frame of version ${first & ~controlBit}`)
  const type = frame.readUInt16BE(2)
  const needed = neededBytes[type]
  if (needed === undefined) return { type: 'other', controlType: type }
  if (payload.length < needed)
    throw new Error(`Cannot read a SPDY frame of type ${type}: it has ${payload.length} bytes`)
  return decodeControl(type, isLast, payload)
}

const neededBytes: Readonly<Record<number, number>> = { 1: 10, 2: 4, 3: 8, 6: 4, 7: 8, 8: 4, 9: 8 }

function decodeControl(type: number, isLast: boolean, payload: Buffer): SpdyFrame {
  const id = streamId(payload, 0)
  switch (type) {
    case controlTypes.synStream:
      return { type: 'synStream', streamId: id, fin: isLast, headerBlock: payload.subarray(10) }
    case controlTypes.synReply:
      return { type: 'synReply', streamId: id, fin: isLast, headerBlock: payload.subarray(4) }
    case controlTypes.headers:
      return { type: 'headers', streamId: id, fin: isLast, headerBlock: payload.subarray(4) }
    case controlTypes.rstStream:
      return { type: 'rstStream', streamId: id, status: payload.readUInt32BE(4) }
    case controlTypes.ping:
      return { type: 'ping', id: payload.readUInt32BE(0) }
    case controlTypes.goAway:
      return { type: 'goAway', lastStreamId: id, status: payload.readUInt32BE(4) }
    case controlTypes.windowUpdate:
      return { type: 'windowUpdate', streamId: id, delta: payload.readUInt32BE(4) & 0x7fffffff }
    default:
      return { type: 'other', controlType: type }
  }
}

const streamId = (bytes: Buffer, at: number): number => bytes.readUInt32BE(at) & 0x7fffffff

/** Names and values before compression. */
export function encodeHeaders(headers: SpdyHeaders): Uint8Array {
  const entries = Object.entries(headers)
  const texts = entries.flatMap(([name, value]) => [name.toLowerCase(), value])
  return Buffer.concat([
    uint32(entries.length),
    ...texts.flatMap((text) => [uint32(Buffer.byteLength(text)), Buffer.from(text)]),
  ])
}

/** Several values of one name come out joined by `, `. Names are lower case. */
export function decodeHeaders(block: Uint8Array): SpdyHeaders {
  const bytes = Buffer.from(block.buffer, block.byteOffset, block.length)
  let at = 4
  const text = (): string => {
    const length = bytes.readUInt32BE(at)
    const start = at + 4
    at = start + length
    if (at > bytes.length) throw new Error('Cannot read SPDY headers: they are cut off')
    return bytes.toString('utf8', start, at)
  }
  const count = bytes.readUInt32BE(0)
  const headers: Record<string, string> = {}
  for (let n = 0; n < count; n++) {
    const name = text().toLowerCase()
    headers[name] = text().replaceAll('\0', ', ')
  }
  return headers
}
