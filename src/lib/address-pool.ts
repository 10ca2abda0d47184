/** A pool of addresses, written as a range with a prefix length or as `first-last`. */
import { formatCidr, formatIp, ipFromBigInt, ipToBigInt, maskIp, parseCidr, parseIp, type IpFamily } from './ip.ts'

export interface AddressPool {
  readonly family: IpFamily
  /** What may be handed out, both included. */
  readonly first: bigint
  readonly last: bigint
  /** Ranges that together are the whole pool, for routes. */
  readonly cidrs: readonly string[]
}

/**
 * Of a written prefix the first and last IPv4 address are left alone (old programs take them for broadcast), and the
 * first of IPv6, which means any router.
 */
export function parseAddressPool(text: string): AddressPool | undefined {
  return text.includes('/') ? poolOfPrefix(text) : poolOfRange(text)
}

function poolOfPrefix(text: string): AddressPool | undefined {
  const cidr = parseCidr(text)
  if (!cidr) return undefined
  const { family, bytes } = cidr.base
  const base = maskIp(cidr.base, cidr.prefixLength)
  const size = 1n << BigInt(bytes.length * 8 - cidr.prefixLength)
  const first = ipToBigInt(base)
  const spared = size >= 4n ? 1n : 0n
  const last = first + size - 1n - (family === 'IPv4' ? spared : 0n)
  const cidrs = [formatCidr({ base, prefixLength: cidr.prefixLength })]
  return { family, first: first + spared, last, cidrs }
}

function poolOfRange(text: string): AddressPool | undefined {
  const [from, to, ...rest] = text.split('-').map((part) => parseIp(part.trim()))
  if (!from || !to || rest.length > 0 || from.family !== to.family) return undefined
  const [first, last] = [ipToBigInt(from), ipToBigInt(to)]
  return first > last ? undefined : { family: from.family, first, last, cidrs: coveringCidrs(from.family, first, last) }
}

function coveringCidrs(family: IpFamily, first: bigint, last: bigint): string[] {
  const width = family === 'IPv4' ? 32 : 128
  const cidrs: string[] = []
  for (let at = first; at <= last;) {
    let bits = 0
    while (bits < width && (at & (1n << BigInt(bits))) === 0n && at + (2n << BigInt(bits)) - 1n <= last) bits++
    cidrs.push(formatCidr({ base: ipFromBigInt(family, at), prefixLength: width - bits }))
    at += 1n << BigInt(bits)
  }
  return cidrs
}

export function poolContains(pool: AddressPool, ip: string): boolean {
  const address = parseIp(ip)
  if (address?.family !== pool.family) return false
  const value = ipToBigInt(address)
  return value >= pool.first && value <= pool.last
}

export const poolsOverlap = (a: AddressPool, b: AddressPool): boolean =>
  a.family === b.family && a.first <= b.last && b.first <= a.last

export const poolAddress = (pool: AddressPool, value: bigint): string => formatIp(ipFromBigInt(pool.family, value))
