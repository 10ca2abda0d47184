/**
 * Elements that several service ports may want. What has to change is settled once, at the end of a plan, however often
 * an element was claimed and released in it; only what nobody had before may be written at once. Elements are made only
 * when they are to be written.
 */
import { elementData, type Element } from './elements.ts'
import * as mark from './mark.ts'
import type { Front } from './plan-fronts.ts'
import { addressKey, type ShortKey } from './short-keys.ts'
import { unitLength, type PlanUnit } from './plan-unit.ts'

const ownerOf = (claim: number): number => claim & (mark.maxServicePorts - 1)

/** A front end that the current plan has touched, and who had it before. */
interface TouchedFront {
  readonly front: Front
  readonly before: number | undefined
}

/**
 * Front ends: the first service port to come gets one, the next one takes over when it goes. A claim is a mark, whose
 * lower bits name the service port.
 */
export class ClaimedElements {
  readonly #holders = new Map<ShortKey, number>()
  /** Claims of those who come next. */
  readonly #waiting = new Map<ShortKey, number[]>()
  readonly #touched = new Map<ShortKey, TouchedFront>()
  readonly #element: (front: Front) => Element

  constructor(element: (front: Front) => Element) {
    this.#element = element
  }

  /**
   * Claims the only front end of a service port. @returns its element, to be written at once, when nobody had it: then
   * nobody can release it in this plan.
   */
  claimOnly(front: Front): Element | undefined {
    if (this.#holders.has(front.key) || (this.#touched.size > 0 && this.#touched.has(front.key))) {
      this.claim(front)
      return undefined
    }
    this.#holders.set(front.key, front.mark)
    return this.#element(front)
  }

  /** A second claim of the same owner replaces its first. */
  claim(front: Front): void {
    const { key } = front
    const holder = this.#touch(front)
    if (holder === undefined || ownerOf(holder) === ownerOf(front.mark)) this.#holders.set(key, front.mark)
    else this.#waiting.set(key, [...this.#others(front), front.mark])
  }

  release(front: Front): void {
    const { key } = front
    const holder = this.#touch(front)
    if (holder === undefined) return
    const others = this.#others(front)
    if (ownerOf(holder) === ownerOf(front.mark)) {
      const next = others.shift()
      if (next === undefined) this.#holders.delete(key)
      else this.#holders.set(key, next)
    }
    if (others.length > 0) this.#waiting.set(key, others)
    else this.#waiting.delete(key)
  }

  *settle(): Generator<PlanUnit> {
    const changes = new SingleChanges()
    for (const [key, { front, before }] of this.#touched) {
      const now = this.#holders.get(key)
      if (before === now) continue
      const old = before === undefined ? undefined : this.#element({ ...front, mark: before })
      const fresh = now === undefined ? undefined : this.#element({ ...front, mark: now })
      if (old && fresh) {
        if (elementData(old) !== elementData(fresh)) yield { removes: [old], adds: [fresh] }
      } else changes.note(fresh, old)
      if (changes.isFull) yield* changes.take()
    }
    this.#touched.clear()
    yield* changes.take()
  }

  /** @returns who has it now */
  #touch(front: Front): number | undefined {
    const holder = this.#holders.get(front.key)
    if (!this.#touched.has(front.key)) this.#touched.set(front.key, { front, before: holder })
    return holder
  }

  /** Who waits for it, without the owner of this claim. */
  #others({ key, mark: own }: Front): number[] {
    return this.#waiting.get(key)?.filter((claim) => ownerOf(claim) !== ownerOf(own)) ?? []
  }
}

/** Elements without data, one for each address that somebody wants. */
export class CountedElements {
  readonly #counts = new Map<ShortKey, number>()
  /** Wanted by one less in the current plan. */
  readonly #touched = new Map<ShortKey, string>()
  readonly #element: (address: string) => Element

  constructor(element: (address: string) => Element) {
    this.#element = element
  }

  /** One more. @returns the element, to be written at once, when nobody wanted it before. */
  add(address: string): Element | undefined {
    const key = addressKey(address)
    const count = this.#counts.get(key) ?? 0
    this.#counts.set(key, count + 1)
    return count > 0 || (this.#touched.size > 0 && this.#touched.has(key)) ? undefined : this.#element(address)
  }

  /** One less. Who does both in one plan does this first. */
  remove(address: string): void {
    const key = addressKey(address)
    const count = this.#counts.get(key) ?? 0
    this.#touched.set(key, address)
    if (count > 1) this.#counts.set(key, count - 1)
    else this.#counts.delete(key)
  }

  /** What nobody wants any more. */
  *settle(): Generator<PlanUnit> {
    const changes = new SingleChanges()
    for (const [key, address] of this.#touched) {
      if (this.#counts.has(key)) continue
      changes.note(undefined, this.#element(address))
      if (changes.isFull) yield* changes.take()
    }
    this.#touched.clear()
    yield* changes.take()
  }
}

/** Changes that may happen in any transaction, each by itself: gathered into a few units. */
class SingleChanges {
  #adds: Element[] = []
  #removes: Element[] = []

  get isFull(): boolean {
    return this.#adds.length + this.#removes.length >= unitLength
  }

  note(added: Element | undefined, removed: Element | undefined): void {
    if (added) this.#adds.push(added)
    if (removed) this.#removes.push(removed)
  }

  *take(): Generator<PlanUnit> {
    if (this.#removes.length > 0) yield { removes: this.#removes, adds: none }
    if (this.#adds.length > 0) yield { removes: none, adds: this.#adds }
    this.#removes = []
    this.#adds = []
  }
}

const none: readonly Element[] = []
