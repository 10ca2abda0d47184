/**
 * Elements that several service ports may want. What has to change is settled once, at the end of a plan, however often
 * an element was claimed and released in it. Elements are made only when they are to be written.
 */
import { elementData, type Element } from './elements.ts'
import * as mark from './mark.ts'
import type { Front } from './plan-fronts.ts'
import { unitLength, type PlanUnit } from './plan-unit.ts'

const ownerOf = (claim: number): number => claim & (mark.maxServicePorts - 1)

/** Who has a front end, and who wants it. Absent claims: nobody. */
interface Claims {
  holder: number | undefined
  waiting: number[] | undefined
  /** In the current plan: the first claim or release that touched it, and who had it before. */
  touched: Front | undefined
  before: number | undefined
}

/**
 * Front ends: the first service port to come gets one, the next one takes over when it goes. A claim is a mark, whose
 * lower bits name the service port.
 */
export class ClaimedElements {
  readonly #claims = new Map<string, Claims>()
  #touched: Claims[] = []
  readonly #element: (front: Front) => Element

  constructor(element: (front: Front) => Element) {
    this.#element = element
  }

  /** A second claim of the same owner replaces its first. */
  claim(front: Front): void {
    let claims = this.#claims.get(front.key)
    if (!claims) this.#claims.set(front.key, (claims = newClaims()))
    this.#touch(claims, front)
    if (claims.holder === undefined || ownerOf(claims.holder) === ownerOf(front.mark)) claims.holder = front.mark
    else claims.waiting = [...withoutOwner(claims.waiting, front.mark), front.mark]
  }

  release(front: Front): void {
    const claims = this.#claims.get(front.key)
    if (!claims) return
    this.#touch(claims, front)
    const others = withoutOwner(claims.waiting, front.mark)
    if (claims.holder !== undefined && ownerOf(claims.holder) === ownerOf(front.mark)) claims.holder = others.shift()
    claims.waiting = others.length > 0 ? others : undefined
  }

  *settle(): Generator<PlanUnit> {
    const changes = new SingleChanges()
    const touched = this.#touched
    for (let index = 0; index < touched.length; index++) {
      const claims = touched[index]!
      const front = claims.touched!
      const { before, holder: now } = claims
      claims.touched = undefined
      if (now === undefined) this.#claims.delete(front.key)
      if (before === now) continue
      const old = before === undefined ? undefined : this.#element({ ...front, mark: before })
      const fresh = now === undefined ? undefined : this.#element(now === front.mark ? front : { ...front, mark: now })
      if (old && fresh) {
        if (elementData(old) !== elementData(fresh)) yield { removes: [old], adds: [fresh] }
      } else changes.note(fresh, old)
      if (changes.isFull) yield* changes.take()
    }
    this.#touched = []
    yield* changes.take()
  }

  #touch(claims: Claims, front: Front): void {
    if (claims.touched) return
    claims.touched = front
    claims.before = claims.holder
    this.#touched.push(claims)
  }
}

const newClaims = (): Claims => ({ holder: undefined, waiting: undefined, touched: undefined, before: undefined })

const withoutOwner = (claims: readonly number[] | undefined, mark: number): number[] =>
  claims?.filter((claim) => ownerOf(claim) !== ownerOf(mark)) ?? []

interface Count {
  readonly key: string
  now: number
  /** In the current plan: what it began with. */
  before: number | undefined
}

/** Elements without data, wanted by so many: there while the number is not zero. */
export class CountedElements {
  readonly #counts = new Map<string, Count>()
  #touched: Count[] = []
  readonly #element: (key: string) => Element

  constructor(element: (key: string) => Element) {
    this.#element = element
  }

  change(key: string, by: 1 | -1): void {
    let count = this.#counts.get(key)
    if (!count) this.#counts.set(key, (count = { key, now: 0, before: undefined }))
    if (count.before === undefined) {
      count.before = count.now
      this.#touched.push(count)
    }
    count.now += by
  }

  *settle(): Generator<PlanUnit> {
    const changes = new SingleChanges()
    const touched = this.#touched
    for (let index = 0; index < touched.length; index++) {
      const count = touched[index]!
      const had = count.before! > 0
      const has = count.now > 0
      count.before = undefined
      if (!has) this.#counts.delete(count.key)
      if (had === has) continue
      const element = this.#element(count.key)
      if (has) changes.note(element, undefined)
      else changes.note(undefined, element)
      if (changes.isFull) yield* changes.take()
    }
    this.#touched = []
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
