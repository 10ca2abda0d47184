/**
 * Elements that several service ports may want. What has to change is settled once, at the end of a plan, however often
 * an element was claimed and released in it. Memory holds a key and a number each; elements are made when written.
 */
import { elementData, type Element } from './elements.ts'
import * as mark from './mark.ts'
import type { PlanUnit } from './plan-elements.ts'

const ownerOf = (value: number): number => value & (mark.maxServicePorts - 1)

/**
 * The first service port to come gets the element, the next one takes over when it goes. A claim is a number whose lower
 * bits name the service port.
 */
export class ClaimedElements {
  readonly #holders = new Map<string, number>()
  /** Few elements have more than one claim. */
  readonly #waiting = new Map<string, number[]>()
  /** Claims before this plan, of what it touched. */
  readonly #before = new Map<string, number | undefined>()
  readonly #element: (key: string, value: number) => Element

  constructor(element: (key: string, value: number) => Element) {
    this.#element = element
  }

  /** A second claim of the same owner replaces its first. */
  claim(key: string, value: number): void {
    const holder = this.#holders.get(key)
    if (holder === undefined || ownerOf(holder) === ownerOf(value)) {
      this.#hold(key, holder, value)
      return
    }
    const others = this.#waiting.get(key)?.filter((claim) => ownerOf(claim) !== ownerOf(value)) ?? []
    this.#waiting.set(key, [...others, value])
  }

  release(key: string, owner: number): void {
    const holder = this.#holders.get(key)
    if (holder === undefined) return
    const waiting = this.#waiting.get(key)
    const others = waiting?.filter((claim) => ownerOf(claim) !== owner) ?? []
    if (ownerOf(holder) === owner) this.#hold(key, holder, others.shift())
    if (others.length > 0) this.#waiting.set(key, others)
    else if (waiting) this.#waiting.delete(key)
  }

  *settle(): Generator<PlanUnit> {
    const changes = new SingleChanges()
    for (const [key, before] of this.#before) {
      const now = this.#holders.get(key)
      if (before === now) continue
      const old = before === undefined ? undefined : this.#element(key, before)
      const fresh = now === undefined ? undefined : this.#element(key, now)
      if (old && fresh) {
        if (elementData(old) !== elementData(fresh)) yield { removes: [old], adds: [fresh] }
      } else changes.note(fresh, old)
      if (changes.isFull) yield* changes.take()
    }
    this.#before.clear()
    yield* changes.take()
  }

  #hold(key: string, before: number | undefined, after: number | undefined): void {
    if (!this.#before.has(key)) this.#before.set(key, before)
    if (after === undefined) this.#holders.delete(key)
    else this.#holders.set(key, after)
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

  *settle(): Generator<PlanUnit> {
    const changes = new SingleChanges()
    for (const [key, before] of this.#before) {
      const isWanted = this.#counts.has(key)
      if (isWanted === before > 0) continue
      const element = this.#element(key)
      if (isWanted) changes.note(element, undefined)
      else changes.note(undefined, element)
      if (changes.isFull) yield* changes.take()
    }
    this.#before.clear()
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

const unitLength = 500
const none: readonly Element[] = []
