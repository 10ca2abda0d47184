/** Which numbers of a range are handed out, and in which order: a lower band is left to those who ask for one by name. */
import { formatIp, ipFromBigInt, ipToBigInt, maskIp, type Cidr, type IpAddress } from '#lib/ip.ts'

/** Whole numbers from `first` to `last`; `dynamicFrom` is where the upper band begins. */
export interface Band {
  readonly first: bigint
  readonly last: bigint
  readonly dynamicFrom: bigint
}

interface BandRule {
  readonly divisor: bigint
  readonly most: bigint
}

const smallestBand = 16n
const addressRule: BandRule = { divisor: 16n, most: 256n }
const nodePortRule: BandRule = { divisor: 32n, most: 128n }

/** IPv4 leaves out network and broadcast address, IPv6 only the base address. */
export function addressBand({ base, prefixLength }: Cidr): Band {
  const network = ipToBigInt(maskIp(base, prefixLength))
  const size = 1n << BigInt(base.bytes.length * 8 - prefixLength)
  const last = network + size - (base.family === 'IPv4' ? 2n : 1n)
  return withBands(network + 1n, last, size, addressRule)
}

export function nodePortBand(first: number, last: number): Band {
  return withBands(BigInt(first), BigInt(last), BigInt(last - first + 1), nodePortRule)
}

function withBands(first: bigint, last: bigint, size: bigint, { divisor, most }: BandRule): Band {
  const wanted = size / divisor
  const lower = size <= smallestBand ? 0n : wanted < smallestBand ? smallestBand : wanted > most ? most : wanted
  return { first, last, dynamicFrom: first + lower }
}

export function bandAddress(family: IpAddress['family'], value: bigint): string {
  return formatIp(ipFromBigInt(family, value))
}

/**
 * Free numbers of a band: the upper part from a random place on, then the lower part. Lazy, because usually the first
 * one is taken. `random` is in [0, 1).
 */
export function* candidates(band: Band, random: () => number, isTaken: (value: bigint) => boolean): Generator<bigint> {
  yield* fromRandomPlace(band.dynamicFrom, band.last, random, isTaken)
  yield* fromRandomPlace(band.first, band.dynamicFrom - 1n, random, isTaken)
}

function* fromRandomPlace(
  first: bigint,
  last: bigint,
  random: () => number,
  isTaken: (value: bigint) => boolean,
): Generator<bigint> {
  if (last < first) return
  const size = last - first + 1n
  const reach = size < 1n << 48n ? size : 1n << 48n
  const start = BigInt(Math.floor(random() * Number(reach)))
  for (let step = 0n; step < size; step++) {
    const value = first + ((start + step) % size)
    if (!isTaken(value)) yield value
  }
}
