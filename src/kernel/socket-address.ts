/** Socket addresses as the kernel takes them. */
import { parseIp } from '#lib/ip.ts'

const AF_INET = 2
const AF_INET6 = 10

/** A sockaddr_in or sockaddr_in6. */
export function socketAddress(address: string, port: number): Uint8Array {
  const ip = parseIp(address)
  if (!ip) throw new Error(`Cannot use ${JSON.stringify(address)}: not an address`)
  const bytes = new Uint8Array(ip.family === 'IPv4' ? 16 : 28)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, ip.family === 'IPv4' ? AF_INET : AF_INET6, true)
  view.setUint16(2, port)
  bytes.set(ip.bytes, ip.family === 'IPv4' ? 4 : 8)
  return bytes
}
