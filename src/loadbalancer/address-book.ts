/**
 * Who has which address. Everything is decided and remembered in one synchronous step, so reconcilers that run side by
 * side never give one address away twice. In memory only: a start fills it from what the Services' statuses say.
 */
import { allocatedIps } from '#api/load-balancer-address.ts'
import type { Service } from '#api/service.ts'
import { type AddressPool, poolAddress, poolContains } from '#lib/address-pool.ts'
import { type IpFamily, ipToBigInt, parseIp } from '#lib/ip.ts'
import { type Claim, claimOf, conflictOf, familiesOf, familyOf, requestedIps, sameClaim } from './select-wishes.ts'

export type Decision =
  | { readonly kind: 'assigned'; readonly ips: readonly string[]; readonly freesOthers: boolean }
  | {
      readonly kind: 'refused'
      readonly reason: RefusalReason
      readonly message: string
      readonly freesOthers: boolean
    }

export type RefusalReason = 'AddressPoolExhausted' | 'AddressInUse' | 'AddressNotInPool' | 'AddressInvalid'

interface Refusal {
  readonly reason: RefusalReason
  readonly message: string
}

interface Holding {
  readonly claim: Claim
  readonly ips: readonly string[]
}

export class AddressBook {
  readonly #pools: readonly AddressPool[]
  readonly #holdings = new Map<string, Holding>()
  readonly #holders = new Map<string, Set<string>>()
  /** Below it a pool has nothing free. */
  readonly #lowestFree: bigint[]

  constructor(pools: readonly AddressPool[]) {
    this.#pools = pools
    this.#lowestFree = pools.map(({ first }) => first)
  }

  /** Keys of the Services that have the address. */
  holders(ip: string): readonly string[] {
    return [...(this.#holders.get(ip) ?? [])]
  }

  ipsOf(key: string): readonly string[] {
    return this.#holdings.get(key)?.ips ?? []
  }

  /** Takes down what a Service already has, unless another has it by right. */
  adopt(service: Service): void {
    const claim = claimOf(service)
    if (this.#holdings.has(claim.key)) return
    const ips = recordedIps(service).filter((ip) => this.#isInPool(ip) && !this.#refusal(claim, ip))
    if (ips.length > 0) this.#hold(claim, ips)
  }

  /**
   * Decides, and takes what it gives. What the Service had and does not get again is free; `freesOthers` says that
   * somebody who was refused may have better luck now.
   */
  decide(service: Service): Decision {
    const claim = claimOf(service)
    const before = this.#holdings.get(claim.key)
    const [ips, refusal] = this.#choose(service, claim)
    if (refusal) {
      this.release(claim.key)
      return { kind: 'refused', ...refusal, freesOthers: before !== undefined }
    }
    if (before && isSameList(before.ips, ips) && sameClaim(before.claim, claim)) {
      return { kind: 'assigned', ips, freesOthers: false }
    }
    this.release(claim.key)
    this.#hold(claim, ips)
    return { kind: 'assigned', ips, freesOthers: before !== undefined }
  }

  release(key: string): void {
    for (const ip of this.ipsOf(key)) {
      const holders = this.#holders.get(ip)
      holders?.delete(key)
      if (holders?.size !== 0) continue
      this.#holders.delete(ip)
      this.#freed(ip)
    }
    this.#holdings.delete(key)
  }

  #choose(service: Service, claim: Claim): readonly [readonly string[], Refusal?] {
    const requested = requestedIps(service)
    const invalid = requested.find((ip) => parseIp(ip) === undefined)
    if (invalid !== undefined) {
      return [[], { reason: 'AddressInvalid', message: `${JSON.stringify(invalid)} is not an IP address` }]
    }
    const families = this.#familiesFor(service)
    const own = familiesOf(service)
    if (requested.length > 0 && !requested.some((ip) => own.includes(familyOf(ip)))) {
      const message = `the Service is of family ${own.join()}, not of that of ${requested.join()}`
      return [[], { reason: 'AddressInvalid', message }]
    }
    const had = [...this.ipsOf(claim.key), ...recordedIps(service)]
    const chosen: string[] = []
    for (const family of families) {
      const wanted = requested.find((ip) => parseIp(ip)?.family === family)
      const found = wanted === undefined ? this.#anyFor(claim, family, had) : this.#exactly(claim, wanted)
      if (typeof found !== 'string') return [[], found]
      chosen.push(found)
    }
    if (chosen.length > 0) return [chosen]
    return [[], { reason: 'AddressPoolExhausted', message: `no address pool is of family ${own.join()}` }]
  }

  /** A Service that can do with one family is content with those that have pools. */
  #familiesFor(service: Service): readonly IpFamily[] {
    const all = familiesOf(service)
    if (service.spec.ipFamilyPolicy === 'RequireDualStack') return all
    return all.filter((family) => this.#pools.some((pool) => pool.family === family))
  }

  #exactly(claim: Claim, ip: string): string | Refusal {
    if (!this.#isInPool(ip)) return { reason: 'AddressNotInPool', message: `${ip} is in no address pool` }
    return this.#refusal(claim, ip) ?? ip
  }

  /** What it had, else one that it may share, else a new one. */
  #anyFor(claim: Claim, family: IpFamily, had: readonly string[]): string | Refusal {
    const isFit = (ip: string): boolean =>
      parseIp(ip)?.family === family && this.#isInPool(ip) && !this.#refusal(claim, ip)
    const kept = had.find(isFit)
    if (kept !== undefined) return kept
    const shared = claim.sharingKey === undefined ? undefined : this.#sharedWith(claim.sharingKey).find(isFit)
    return shared ?? this.#fresh(family)
  }

  #sharedWith(sharingKey: string): string[] {
    return [...this.#holdings.values()].flatMap(({ claim, ips }) => (claim.sharingKey === sharingKey ? ips : []))
  }

  #fresh(family: IpFamily): string | Refusal {
    for (const [index, pool] of this.#pools.entries()) {
      if (pool.family !== family) continue
      for (let at = this.#lowestFree[index]!; at <= pool.last; at++) {
        const ip = poolAddress(pool, at)
        if (this.#holders.has(ip)) continue
        this.#lowestFree[index] = at
        return ip
      }
      this.#lowestFree[index] = pool.last + 1n
    }
    return { reason: 'AddressPoolExhausted', message: `no ${family} address is free in the address pools` }
  }

  #refusal(claim: Claim, ip: string): Refusal | undefined {
    for (const key of this.#holders.get(ip) ?? []) {
      const why = key === claim.key ? undefined : conflictOf(claim, this.#holdings.get(key)!.claim)
      if (why === undefined) continue
      const message = `Services ${claim.key} and ${key} both want ${ip}; ${key} has it, and ${why}`
      return { reason: 'AddressInUse', message }
    }
    return undefined
  }

  #hold(claim: Claim, ips: readonly string[]): void {
    this.#holdings.set(claim.key, { claim, ips })
    for (const ip of ips) {
      const holders = this.#holders.get(ip) ?? new Set()
      this.#holders.set(ip, holders.add(claim.key))
    }
  }

  #freed(ip: string): void {
    const value = ipToBigInt(parseIp(ip)!)
    for (const [index, pool] of this.#pools.entries()) {
      if (poolContains(pool, ip) && value < this.#lowestFree[index]!) this.#lowestFree[index] = value
    }
  }

  #isInPool(ip: string): boolean {
    return this.#pools.some((pool) => poolContains(pool, ip))
  }
}

/** What an earlier run gave it; the condition comes first, as it is written first. */
function recordedIps(service: Service): readonly string[] {
  const announced = (service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip ? [ip] : []))
  return [...allocatedIps(service), ...announced].filter((ip, at, all) => all.indexOf(ip) === at)
}

const isSameList = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((item, index) => item === b[index])
