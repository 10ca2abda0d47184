/** Ranges of Service addresses: configured ones, and those of ServiceCIDR objects, of one family. */
import type { ServiceCIDR } from '#api/service-cidr.ts'
import type { IpFamily } from '#lib/ip.ts'

export class ServiceRanges {
  readonly #family: IpFamily
  readonly #configured: readonly string[]
  readonly #byObject = new Map<string, readonly string[]>()
  #all: readonly string[]

  constructor(family: IpFamily, configured: readonly string[] = []) {
    this.#family = family
    this.#configured = configured
    this.#all = configured
  }

  /** Another array after each change. Empty: none are known, and a back end keeps what it was opened with. */
  get all(): readonly string[] {
    return this.#all
  }

  /** @returns whether `all` is different now; the last range never goes */
  changed(before: ServiceCIDR | undefined, after: ServiceCIDR | undefined): boolean {
    if (before) this.#byObject.delete(before.metadata.name)
    if (after) this.#byObject.set(after.metadata.name, after.spec.cidrs ?? [])
    const known = new Set([...this.#configured, ...[...this.#byObject.values()].flat()])
    const all = [...known].filter((cidr) => cidr.includes(':') === (this.#family === 'IPv6')).toSorted()
    if (all.length === 0 || all.join() === this.#all.join()) return false
    this.#all = all
    return true
  }
}
