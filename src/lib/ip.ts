/** IPv4 and IPv6 addresses and ranges as values: parsing, canonical text, membership. */

export type IpFamily = 'IPv4' | 'IPv6'

/** An address: 4 or 16 bytes in network order. */
export interface IpAddress {
  readonly family: IpFamily
  readonly bytes: Uint8Array
}

export interface Cidr {
  readonly base: IpAddress
  readonly prefixLength: number
}

/** Parses the strict text form; undefined for anything else (leading zeros, IPv4 in other notations). */
export function parseIp(text: string): IpAddress | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text)
}

/** The one text by which an address may be compared; undefined where there is none. IPv4 has no other. */
export function canonicalIp(text: string): string | undefined {
  if (!text.includes(':')) return text
  const address = parseIp(text)
  return address && formatIp(address)
}

function parseIpv4(text: string): IpAddress | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  const bytes = new Uint8Array(4)
  for (const [index, part] of parts.entries()) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return undefined
    bytes[index] = Number(part)
  }
  return { family: 'IPv4', bytes }
}

/**
 * The four bytes of an IPv4 address as one signed number of 32 bits, which needs no memory of its own, the first byte
 * lowest. Fast; throws where there is no address.
 */
export function ipv4Word(text: string): number {
  let word = 0
  let part = 0
  let shift = 0
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code === 46) {
      if (part > 255) break
      word |= part << shift
      shift += 8
      part = 0
    } else if (code >= 48 && code <= 57) part = part * 10 + code - 48
    else shift = 99
  }
  if (shift !== 24 || part > 255) throw new Error(`Cannot read an IPv4 address: ${JSON.stringify(text)}`)
  return word | (part << 24)
}

function parseIpv6(text: string): IpAddress | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const head = parseGroups(halves[0] ?? '')
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? '') : []
  if (!head || !tail) return undefined
  const missing = 8 - head.length - tail.length
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined
  const groups = [...head, ...Array.from({ length: missing }, () => 0), ...tail]
  return { family: 'IPv6', bytes: Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 255])) }
}

function parseGroups(text: string): number[] | undefined {
  if (text === '') return []
  const groups: number[] = []
  const parts = text.split(':')
  for (const [index, part] of parts.entries()) {
    if (part.includes('.') && index === parts.length - 1) {
      const v4 = parseIpv4(part)
      if (!v4) return undefined
      groups.push((v4.bytes[0]! << 8) | v4.bytes[1]!, (v4.bytes[2]! << 8) | v4.bytes[3]!)
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16))
    else return undefined
  }
  return groups
}

/** Canonical text (RFC 5952 for IPv6). */
export function formatIp(address: IpAddress): string {
  if (address.family === 'IPv4') return address.bytes.join('.')
  const groups = Array.from({ length: 8 }, (_, i) => (address.bytes[2 * i]! << 8) | address.bytes[2 * i + 1]!)
  const run = longestZeroRun(groups)
  const hex = (part: number[]) => part.map((group) => group.toString(16)).join(':')
  if (run.length < 2) return hex(groups)
  return `${hex(groups.slice(0, run.start))}::${hex(groups.slice(run.start + run.length))}`
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  for (let start = 0; start < groups.length; start++) {
    let length = 0
    while (groups[start + length] === 0) length++
    if (length > best.length) best = { start, length }
  }
  return best
}

export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/')
  const base = slash < 0 ? undefined : parseIp(text.slice(0, slash))
  const prefix = text.slice(slash + 1)
  if (!base || !/^(0|[1-9][0-9]{0,2})$/.test(prefix)) return undefined
  const prefixLength = Number(prefix)
  return prefixLength > base.bytes.length * 8 ? undefined : { base, prefixLength }
}

/** The address with every bit beyond the prefix cleared. */
export function maskIp(address: IpAddress, prefixLength: number): IpAddress {
  const bytes = address.bytes.map((byte, index) => {
    const bits = Math.min(8, Math.max(0, prefixLength - index * 8))
    return byte & (0xff << (8 - bits))
  })
  return { family: address.family, bytes }
}

export function formatCidr(cidr: Cidr): string {
  return `${formatIp(cidr.base)}/${cidr.prefixLength}`
}

export function cidrContains(cidr: Cidr, address: IpAddress): boolean {
  return (
    cidr.base.family === address.family &&
    ipEquals(maskIp(cidr.base, cidr.prefixLength), maskIp(address, cidr.prefixLength))
  )
}

export function ipEquals(a: IpAddress, b: IpAddress): boolean {
  return a.family === b.family && a.bytes.every((byte, index) => byte === b.bytes[index])
}

export function ipToBigInt(address: IpAddress): bigint {
  return address.bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
}

export function ipFromBigInt(family: IpFamily, value: bigint): IpAddress {
  const bytes = new Uint8Array(family === 'IPv4' ? 4 : 16)
  for (let index = bytes.length - 1; index >= 0; index--, value >>= 8n) bytes[index] = Number(value & 255n)
  return { family, bytes }
}

/** The `offset`-th address after the range's base address. */
export function nthAddress(cidr: Cidr, offset: number | bigint): string {
  const base = maskIp(cidr.base, cidr.prefixLength)
  return formatIp(ipFromBigInt(base.family, ipToBigInt(base) + BigInt(offset)))
}
