/** Reverse-lookup names: `4.3.2.1.in-addr.arpa` and the nibble form under ip6.arpa. */
import { type Cidr, formatIp, type IpAddress, maskIp } from '#lib/ip.ts'

/** The address a full reverse name stands for; undefined for any other name. `name` is lower case. */
export function addressOfReverseName(name: string): IpAddress | undefined {
  if (name.endsWith('.in-addr.arpa')) return ipv4Of(name.slice(0, -'.in-addr.arpa'.length).split('.'))
  if (name.endsWith('.ip6.arpa')) return ipv6Of(name.slice(0, -'.ip6.arpa'.length).split('.'))
  return undefined
}

function ipv4Of(labels: readonly string[]): IpAddress | undefined {
  if (labels.length !== 4 || !labels.every((label) => /^(0|[1-9][0-9]{0,2})$/.test(label))) return undefined
  const bytes = labels.map(Number).toReversed()
  return bytes.every((byte) => byte < 256) ? { family: 'IPv4', bytes: Uint8Array.from(bytes) } : undefined
}

function ipv6Of(labels: readonly string[]): IpAddress | undefined {
  if (labels.length !== 32 || !labels.every((label) => /^[0-9a-f]$/.test(label))) return undefined
  const nibbles = labels.map((label) => Number.parseInt(label, 16)).toReversed()
  const bytes = Uint8Array.from({ length: 16 }, (_, index) => (nibbles[2 * index]! << 4) | nibbles[2 * index + 1]!)
  return { family: 'IPv6', bytes }
}

/** Whether names of addresses can be below it, by its form. `name` is lower case, and not an address's itself. */
export function isPartOfReverseName(name: string): boolean {
  const [, octets = '', nibbles] = /^(?:(.*)\.in-addr|(.*)\.ip6)\.arpa$/.exec(name) ?? []
  if (nibbles !== undefined) return /^[0-9a-f](\.[0-9a-f]){0,30}$/.test(nibbles)
  const labels = octets.split('.')
  return labels.length < 4 && labels.every((label) => /^(0|[1-9][0-9]{0,2})$/.test(label) && Number(label) < 256)
}

export function reverseNameOf(address: IpAddress): string {
  if (address.family === 'IPv4') return `${address.bytes.toReversed().join('.')}.in-addr.arpa`
  return `${nibblesOf(address).toReversed().join('.')}.ip6.arpa`
}

/** The reverse zone of a range, at the whole octet or nibble at or above its prefix. */
export function reverseZoneOf(range: Cidr): string {
  const base = maskIp(range.base, range.prefixLength)
  if (base.family === 'IPv4') {
    const octets = formatIp(base)
      .split('.')
      .slice(0, range.prefixLength >> 3)
    return [...octets.toReversed(), 'in-addr.arpa'].join('.')
  }
  return [
    ...nibblesOf(base)
      .slice(0, range.prefixLength >> 2)
      .toReversed(),
    'ip6.arpa',
  ].join('.')
}

/** Whether the range ends at an octet or nibble, so that `reverseZoneOf` has nothing else in it. */
export function isWholeReverseZone({ base, prefixLength }: Cidr): boolean {
  return prefixLength % (base.family === 'IPv4' ? 8 : 4) === 0
}

function nibblesOf(address: IpAddress): string[] {
  return [...address.bytes].flatMap((byte) => [(byte >> 4).toString(16), (byte & 15).toString(16)])
}
