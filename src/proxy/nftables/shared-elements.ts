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

const idOf = (claim: number): number => claim & (mark.maxServicePorts - 1)
const isSameOwner = (a: number, b: number): boolean => idOf(a) === idOf(b)

/** A front end that the current plan has touched. */
interface TouchedFront {
  /** As somebody claimed or released it. */
  front: Front
  /** Who had it before. */
  readonly before: number | undefined
}

/**
 * Front ends: the first service port to come gets one, the next one takes over when it goes. A claim is a mark, whose
 * lower bits are the number of the service port.
 */
export class ClaimedElements {
  readonly #holders = new Map<ShortKey, number>()
  /** Claims of those who come next. */
  readonly #waiting = new Map<ShortKey, readonly Front[]>()
  readonly #touched = new Map<ShortKey, TouchedFront>()
  readonly #element: (front: Front) => Element

  constructor(element: (front: Front) => Element) {
    this.#element = element
  }

  /** Number of the service port `owner`, which has claimed the front end. */
  idOf(key: ShortKey, owner: string): number | undefined {
    const waiting = this.#waiting.size === 0 ? undefined : this.#waiting.get(key)?.find((one) => one.owner === owner)
    const claim = waiting?.mark ?? this.#holders.get(key)
    return claim === undefined ? undefined : idOf(claim)
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
    const holder = this.#touch(front)
    if (holder === undefined || isSameOwner(holder, front.mark)) this.#give(front)
    else this.#waiting.set(front.key, [...this.#others(front), front])
  }

  release(front: Front): void {
    const { key } = front
    const holder = this.#touch(front)
    if (holder === undefined) return
    const others = this.#others(front)
    const isHeld = isSameOwner(holder, front.mark)
    const next = isHeld ? others.shift() : undefined
    if (next) this.#give(next)
    else if (isHeld) this.#holders.delete(key)
    if (others.length > 0) this.#waiting.set(key, others)
    else this.#waiting.delete(key)
  }

  get isTouched(): boolean {
    return this.#touched.size > 0
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

  /** To be touched before: it is written as this claim has it. */
  #give(front: Front): void {
    this.#holders.set(front.key, front.mark)
    this.#touched.get(front.key)!.front = front
  }

  /** @returns who has it now */
  #touch(front: Front): number | undefined {
    const holder = this.#holders.get(front.key)
    if (!this.#touched.has(front.key)) this.#touched.set(front.key, { front, before: holder })
    return holder
  }

  /** Who waits for it, without the owner of this claim. */
  #others({ key, mark: own }: Front): Front[] {
    return this.#waiting.get(key)?.filter((claim) => !isSameOwner(claim.mark, own)) ?? []
  }
}

/** Elements without data, one for each address that somebody wants. */
export class CountedElements {
  readonly #wanted = new Set<ShortKey>()
  /** How often beyond once. */
  readonly #again = new Map<ShortKey, number>()
  /** Wanted by one less in the current plan. */
  readonly #touched = new Map<ShortKey, string>()
  readonly #element: (address: string) => Element

  constructor(element: (address: string) => Element) {
    this.#element = element
  }

  /** One more. @returns the element, to be written at once, when nobody wanted it before. */
  add(address: string): Element | undefined {
    const key = addressKey(address)
    const before = this.#wanted.size
    const isNew = this.#wanted.add(key).size > before
    if (!isNew) this.#again.set(key, (this.#again.get(key) ?? 0) + 1)
    return !isNew || (this.#touched.size > 0 && this.#touched.has(key)) ? undefined : this.#element(address)
  }

  /** One less. Who does both in one plan does this first. */
  remove(address: string): void {
    const key = addressKey(address)
    const again = this.#again.get(key) ?? 0
    this.#touched.set(key, address)
    if (again === 0) this.#wanted.delete(key)
    else if (again === 1) this.#again.delete(key)
    else this.#again.set(key, again - 1)
  }

  get isTouched(): boolean {
    return this.#touched.size > 0
  }

  /** What nobody wants any more. */
  *settle(): Generator<PlanUnit> {
    const changes = new SingleChanges()
    for (const [key, address] of this.#touched) {
      if (this.#wanted.has(key)) continue
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
