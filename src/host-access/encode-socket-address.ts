/** A `sockaddr_in` for connect(2). */
import { ipv4ToNumber } from '#lib/ip.ts'

const AF_INET = 2

export function encodeSocketAddress(address: string, port: number): Uint8Array {
  const bytes = new Uint8Array(16)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, AF_INET, true)
  view.setUint16(2, port)
  view.setUint32(4, ipv4ToNumber(address))
  return bytes
}
