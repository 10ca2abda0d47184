/**
 * Where a Service answers on the host's loopback, as a rule that needs no table: whoever knows the Service knows the
 * address. 10.96.12.34 is 127.96.12.34; fd30:fd:0:1::c22 is 127.160.12.34. Clusters differ in the second octet, so their
 * Services never meet.
 */
import { locateServiceIpv6 } from '#lib/address-plan.ts'
import { parseIp } from '#lib/ip.ts'

const ipv6Octet = 160

/** The loopback address that stands for a cluster IP; undefined for anything else. */
export function hostAddressOf(clusterIP: string): string | undefined {
  const address = parseIp(clusterIP)
  if (address?.family === 'IPv6') {
    const place = locateServiceIpv6(address)
    return place && `127.${ipv6Octet + place.index}.${place.number >> 8}.${place.number & 0xff}`
  }
  if (!address) return undefined
  const [, second, third, fourth] = address.bytes
  return `127.${second}.${third}.${fourth}`
}

export const firstUnprivilegedPort = 1024
/** 80 becomes 8080, 443 becomes 8443; the further ones only when another port of the Service has that number. */
const substitutes = [8000, 18_000, 28_000, 38_000, 48_000]

/**
 * The port on the host for one of a Service's `ports`: the same, unless it is one that only the privileged may bind.
 * `ports` are those of the same protocol. Ports differ as long as `ports` do.
 */
export function hostPortOf(port: number, ports: readonly number[], privileged: boolean): number {
  if (privileged || port >= firstUnprivilegedPort) return port
  const substitute = substitutes.map((base) => base + port).find((candidate) => !ports.includes(candidate))
  return substitute ?? port
}

/** The port itself where everybody may listen on it, and those that resemble it, the closest first. */
export const hostPortCandidates = (port: number): number[] =>
  port >= firstUnprivilegedPort ? [port, port + 10_000, port + 20_000] : substitutes.map((base) => base + port)
