/**
 * Elements that several service ports may want: the first to come gets it, the next one takes over when it goes. What
 * has to change is settled once, at the end of a plan, however often an element was claimed and released in it.
 */
import type { Element } from './elements.ts'
import type { PlanUnit } from './plan-elements.ts'

/** Most elements have one claim: the others stand apart. */
interface Entry {
  current: Element | undefined
  owner: string
  element: Element | undefined
  later: { readonly owner: string; element: Element }[] | undefined
}

export class ClaimedElements {
  readonly #entries = new Map<string, Entry>()
  readonly #touched = new Map<string, Entry>()

  /** A second claim of the same owner replaces its first. */
  claim(key: string, owner: string, element: Element): void {
    let entry = this.#entries.get(key)
    if (!entry) this.#entries.set(key, (entry = { current: undefined, owner, element, later: undefined }))
    else if (entry.element === undefined || entry.owner === owner) {
      entry.owner = owner
      entry.element = element
    } else {
      const own = entry.later?.find((claim) => claim.owner === owner)
      if (own) own.element = element
      else (entry.later ??= []).push({ owner, element })
    }
    this.#touched.set(key, entry)
  }

  release(key: string, owner: string): void {
    const entry = this.#entries.get(key)
    if (!entry) return
    this.#touched.set(key, entry)
    if (entry.owner !== owner) {
      entry.later = entry.later?.filter((claim) => claim.owner !== owner)
      return
    }
    const next = entry.later?.shift()
    entry.element = next?.element
    if (next) entry.owner = next.owner
  }

  settle(units: PlanUnit[], isSame: (a: Element, b: Element) => boolean): void {
    const single = new SingleChanges()
    for (const [key, entry] of this.#touched) {
      const { current, element } = entry
      if (!element) this.#entries.delete(key)
      if (current && element && isSame(current, element)) continue
      if (current && element) units.push({ removes: [current], adds: [element] })
      else if (element) single.add(element)
      else if (current) single.remove(current)
      entry.current = element
    }
    this.#touched.clear()
    single.settle(units)
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
    const single = new SingleChanges()
    for (const [key, before] of this.#before) {
      const isWanted = this.#counts.has(key)
      if (isWanted === before > 0) continue
      if (isWanted) single.add(this.#element(key))
      else single.remove(this.#element(key))
    }
    this.#before.clear()
    single.settle(units)
  }
}

/** Changes that may happen in any transaction, each by itself: gathered into a few units. */
class SingleChanges {
  readonly #adds: Element[] = []
  readonly #removes: Element[] = []

  add(element: Element): void {
    this.#adds.push(element)
  }

  remove(element: Element): void {
    this.#removes.push(element)
  }

  settle(units: PlanUnit[]): void {
    for (let at = 0; at < this.#removes.length; at += 500) {
      units.push({ removes: this.#removes.slice(at, at + 500), adds: none })
    }
    for (let at = 0; at < this.#adds.length; at += 500) {
      units.push({ removes: none, adds: this.#adds.slice(at, at + 500) })
    }
  }
}

const none: readonly Element[] = []
