/**
 * Elements that several service ports may want: the first to come gets it, the next one takes over when it goes. What
 * has to change is settled once, at the end of a plan, however often an element was claimed and released in it.
 */
import type { Element } from './elements.ts'
import type { PlanUnit } from './plan-elements.ts'

const none: readonly Element[] = []

interface Entry {
  current: Element | undefined
  claims: { readonly owner: string; element: Element }[]
}

export class ClaimedElements {
  readonly #entries = new Map<string, Entry>()
  readonly #touched = new Set<string>()

  /** A second claim of the same owner replaces its first. */
  claim(key: string, owner: string, element: Element): void {
    const entry = this.#entries.get(key)
    this.#touched.add(key)
    if (!entry) {
      this.#entries.set(key, { current: undefined, claims: [{ owner, element }] })
      return
    }
    const own = entry.claims.find((claim) => claim.owner === owner)
    if (own) own.element = element
    else entry.claims.push({ owner, element })
  }

  release(key: string, owner: string): void {
    const entry = this.#entries.get(key)
    if (!entry) return
    entry.claims = entry.claims.filter((claim) => claim.owner !== owner)
    this.#touched.add(key)
  }

  settle(units: PlanUnit[], isSame: (a: Element, b: Element) => boolean): void {
    for (const key of this.#touched) {
      const entry = this.#entries.get(key)!
      const wanted = entry.claims[0]?.element
      if (!wanted) this.#entries.delete(key)
      const { current } = entry
      if (current && wanted && isSame(current, wanted)) continue
      if (current || wanted) units.push({ removes: current ? [current] : none, adds: wanted ? [wanted] : none })
      entry.current = wanted
    }
    this.#touched.clear()
  }
}

/** Elements without data, wanted by so many: there while the number is not zero. */
export class CountedElements {
  readonly #counts = new Map<string, number>()
  /** Count before this plan. */
  readonly #before = new Map<string, number>()
  readonly #element: (key: string) => Element

  constructor(element: (key: string) => Element) {
    this.#element = element
  }

  change(key: string, by: 1 | -1): void {
    const count = this.#counts.get(key) ?? 0
    if (!this.#before.has(key)) this.#before.set(key, count)
    if (count + by === 0) this.#counts.delete(key)
    else this.#counts.set(key, count + by)
  }

  settle(units: PlanUnit[]): void {
    for (const [key, before] of this.#before) {
      const isWanted = this.#counts.has(key)
      if (isWanted === before > 0) continue
      const element = [this.#element(key)]
      units.push(isWanted ? { removes: none, adds: element } : { removes: element, adds: none })
    }
    this.#before.clear()
  }
}
