/** The ranges that cluster IPs may come from now. */
import type { Kind } from '#api/kind.ts'
import { ServiceCIDR } from '#api/service-cidr.ts'
import { ipFromBigInt, ipToBigInt, parseCidr, type Cidr, type IpAddress, type IpFamily } from '#lib/ip.ts'
import type { ObjectStore } from '../objects/open-object-store.ts'
import { addressBand } from './address-bands.ts'

const kind = ServiceCIDR as unknown as Kind
export const defaultCidrName = 'kubernetes'
/** A shorter one has more addresses than any list of them can say. */
const shortestIpv6Prefix = 64

/** Of ServiceCIDRs that are ready and stay: the default one first, then the oldest. */
export function readyRanges(objects: ObjectStore, family: IpFamily): Cidr[] {
  return objects
    .list(kind)
    .map(({ object }) => object as unknown as ServiceCIDR)
    .filter(isReady)
    .toSorted(byPreference)
    .flatMap(({ spec }) => spec.cidrs ?? [])
    .flatMap((text) => parseCidr(text) ?? [])
    .filter(
      ({ base, prefixLength }) => base.family === family && (family === 'IPv4' || prefixLength >= shortestIpv6Prefix),
    )
}

/** Families of the default range, primary first; undefined while there is none. */
export function defaultFamilies(objects: ObjectStore): readonly IpFamily[] | undefined {
  const main = objects.get(kind, undefined, defaultCidrName) as unknown as ServiceCIDR | undefined
  return main?.spec.cidrs?.flatMap((text) => parseCidr(text)?.base.family ?? [])
}

/** Network and broadcast address are nobody's. */
export function isUsable(range: Cidr, address: IpAddress): boolean {
  if (range.base.family !== address.family) return false
  const { first, last } = addressBand(range)
  const value = ipToBigInt(address)
  return value >= first && value <= last
}

export function networkAddress({ base, prefixLength }: Cidr): IpAddress {
  const value = ipToBigInt(base)
  const hostBits = BigInt(base.bytes.length * 8 - prefixLength)
  return ipFromBigInt(base.family, (value >> hostBits) << hostBits)
}

/** The default range is ready from its creation: the first Services come before any controller can say so. */
function isReady({ metadata, status }: ServiceCIDR): boolean {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')?.status
  return metadata.deletionTimestamp === undefined && (ready ?? isDefault(metadata.name)) === 'True'
}

const isDefault = (name: string) => (name === defaultCidrName ? 'True' : 'Unknown')

function byPreference(a: ServiceCIDR, b: ServiceCIDR): number {
  const rank = ({ metadata: { name, creationTimestamp = '' } }: ServiceCIDR) =>
    `${name === defaultCidrName ? 0 : 1} ${creationTimestamp} ${name}`
  return rank(a) < rank(b) ? -1 : 1
}
