/**
 * From changes of routes to changes of elements, against a memory of what the table holds beside what the routes of
 * before say. The memory moves along with every plan: who fails to apply one has to start anew from a listing
 * (`plan-adoption.ts`).
 */
import type { NodeTraffic, RouteChange, RouteEndpoint } from '../backend.ts'
import { maxListLength, shapeNumber } from './desired-list-chains.ts'
import type { Element } from './elements.ts'
import * as mark from './mark.ts'
import {
  allowedSource,
  clusterFrontKey,
  frontElements,
  hasSameFronts,
  isLookedFor,
  isRouteServed,
  noFronts,
  refusedElement,
  servedElement,
  sourceRanges,
  type Front,
} from './plan-fronts.ts'
import { planSlots, type MakeSlot, type Slot } from './plan-slots.ts'
import { unitLength, type OpenUnit, type PlanUnit } from './plan-unit.ts'
import { ClaimedElements, CountedElements } from './shared-elements.ts'

/** What a listing tells about numbers and places, to be kept where possible. */
export interface PlannerSeed {
  /** Number of the service port by its key. */
  readonly ids: ReadonlyMap<string, number>
  /** Slots by list number. */
  readonly slots: ReadonlyMap<number, readonly Slot[]>
  /** Above all endpoint numbers in use or remembered by an affinity. */
  readonly nextEndpoint: number
}

export const emptySeed: PlannerSeed = { ids: new Map(), slots: new Map(), nextEndpoint: 1 }

/** Of the comment of list L. */
export const localSuffix = ' local'

interface PortChange extends RouteChange {
  readonly id: number
  /** Takes what has to change. */
  readonly unit: OpenUnit
}

/** One of its lists: all its endpoints, or those of this node. */
interface List {
  readonly number: number
  readonly comment: string
  readonly affinitySeconds: number
  readonly slots: readonly Slot[]
  /** Whether map `lists` has it. */
  readonly isLookedFor: boolean
}

export class RoutePlanner {
  readonly #node: NodeTraffic
  #seed: PlannerSeed
  /** By list number: only of lists whose endpoints have numbers, or stand elsewhere than their route has them. */
  readonly #slots = new Map<number, readonly Slot[]>()
  readonly #shapes = new Set<number>()
  readonly #fronts = new ClaimedElements(servedElement)
  readonly #refusals = new ClaimedElements(refusedElement)
  readonly #clusterIps = new CountedElements((address) => ({ map: 'cluster-ips', address }))
  readonly #hairpins = new CountedElements((address) => ({ map: 'hairpin', address }))
  readonly #shared = [this.#clusterIps, this.#hairpins, this.#refusals, this.#fronts]
  readonly #seededIds: ReadonlySet<number>
  /** Seeded numbers whose service port has not come up yet; free after the first plan. */
  readonly #unclaimedIds: Set<number>
  readonly #freeIds: number[] = []
  /** Freed by this plan: used again only by a later one, when no packet can still hold them. */
  readonly #freedIds: number[] = []
  #nextId = 1
  #nextEndpoint: number
  readonly #makeSlot: MakeSlot = (endpoint) => ({ ...endpoint, endpoint: this.#nextEndpoint++ })

  constructor(node: NodeTraffic, seed: PlannerSeed = emptySeed) {
    this.#node = node
    this.#seed = seed
    this.#seededIds = new Set(seed.ids.values())
    this.#unclaimedIds = new Set(this.#seededIds)
    this.#nextEndpoint = seed.nextEndpoint
  }

  /**
   * What has to change, in the order in which to apply it when one transaction cannot take it all. Made while it is
   * read, and to be read to its end: a first plan is much larger than what remains of it.
   */
  *plan(changes: Iterable<RouteChange>): Generator<PlanUnit> {
    let unit: OpenUnit = { removes: [], adds: [] }
    for (const change of changes) {
      const { key, before, after } = change
      this.#planPort({ id: this.#idOf(change), key, before, after, unit })
      if (unit.removes.length + unit.adds.length < unitLength) continue
      yield unit
      unit = { removes: [], adds: [] }
    }
    if (unit.removes.length > 0 || unit.adds.length > 0) yield unit
    for (const id of [...this.#freedIds.splice(0), ...this.#unclaimedIds]) this.#freeIds.push(id)
    this.#unclaimedIds.clear()
    this.#seed = emptySeed
    for (const shared of this.#shared) if (shared.isTouched) yield* shared.settle()
  }

  #planPort(change: PortChange): void {
    this.#planList(change, 'cluster')
    this.#planList(change, 'local')
    this.#planSources(change)
    this.#planFronts(change)
    if (!change.after) this.#freedIds.push(change.id)
  }

  #planList({ id, key, before: had, after: has, unit }: PortChange, scope: 'cluster' | 'local'): void {
    const wanted = has ? usable(has[scope]) : noSlots
    const number = scope === 'cluster' ? id : id | mark.localList
    const slotsBefore = had ? (this.#movedSlots(number) ?? usable(had[scope])) : noSlots
    if (wanted.length === 0 && slotsBefore.length === 0) return
    const comment = scope === 'cluster' ? key : `${key}${localSuffix}`
    const affinitySeconds = has?.affinitySeconds ?? 0
    const before = {
      number,
      comment,
      affinitySeconds: had?.affinitySeconds ?? affinitySeconds,
      slots: slotsBefore,
      isLookedFor: had !== undefined && slotsBefore.length > 0 && isLookedFor(had, scope),
    }
    const slots = this.#planSlots(before, wanted, affinitySeconds > 0)
    const after = {
      number,
      comment,
      affinitySeconds,
      slots,
      isLookedFor: has !== undefined && slots.length > 0 && isLookedFor(has, scope),
    }
    this.#planSlotElements(before, after, unit)
    this.#planShape(before, after, unit)
    if (slots !== wanted && slots.length > 0) this.#slots.set(number, slots)
    else if (this.#slots.size > 0) this.#slots.delete(number)
  }

  #movedSlots(list: number): readonly Slot[] | undefined {
    return this.#slots.size === 0 ? undefined : this.#slots.get(list)
  }

  #planSlots(before: List, wanted: readonly RouteEndpoint[], hasAffinity: boolean): readonly Slot[] {
    const isSameKind = hasAffinityOf(before) === hasAffinity
    const known = before.slots.length > 0 ? before.slots : this.#seededSlots(before.number, hasAffinity)
    if (known.length === 0 && !hasAffinity) return wanted
    if (isSameKind && sameEndpoints(known, wanted)) return hasAffinity ? known : wanted
    return planSlots(isSameKind ? known : noSlots, wanted, hasAffinity ? this.#makeSlot : undefined)
  }

  #planShape(before: List, after: List, unit: OpenUnit): void {
    const number = shapeNumberOf(after)
    const isSame = number === shapeNumberOf(before)
    if (before.isLookedFor && !(isSame && after.isLookedFor)) unit.removes.push(listElement(before))
    if (after.isLookedFor && !(isSame && before.isLookedFor)) unit.adds.push(listElement(after))
    if (after.slots.length === 0 || this.#shapes.has(number)) return
    this.#shapes.add(number)
    ;(unit.chains ??= []).push({ count: after.slots.length, affinitySeconds: after.affinitySeconds })
  }

  #planSlotElements(before: List, after: List, unit: OpenUnit): void {
    const had = before.slots
    const has = after.slots
    if (had === has) return
    const isSameMap = hasAffinityOf(before) === hasAffinityOf(after)
    const length = Math.max(had.length, has.length)
    for (let slot = 0; slot < length; slot++) {
      // Reading behind the end of an array is slow.
      const old = slot < had.length ? had[slot] : undefined
      const now = slot < has.length ? has[slot] : undefined
      if (isSameMap && old && now && isSameSlot(old, now)) continue
      if (old) {
        unit.removes.push(slotElement(before, slot, old))
        if (old.isLocal) this.#hairpins.remove(old.address)
      }
      if (now) {
        unit.adds.push(slotElement(after, slot, now))
        if (now.isLocal) count(this.#hairpins, now.address, unit)
      }
    }
    if (hasAffinityOf(before) || hasAffinityOf(after)) planEndpointElements(had, has, unit)
  }

  #planSources({ id, before, after, unit }: PortChange): void {
    const had = sourceRanges(before, this.#node)
    const has = sourceRanges(after, this.#node)
    if (had === has) return
    for (const range of had) if (!has.includes(range)) unit.removes.push(allowedSource(id, range))
    for (const range of has) if (!had.includes(range)) unit.adds.push(allowedSource(id, range))
  }

  #planFronts({ id, before, after, unit }: PortChange): void {
    if (before && after && hasSameFronts(before, after)) return
    if (before) {
      this.#clusterIps.remove(before.clusterIp)
      for (const address of before.exclusiveIps) this.#clusterIps.remove(address)
    }
    if (after) {
      count(this.#clusterIps, after.clusterIp, unit)
      if (after.exclusiveIps.length > 0)
        for (const address of after.exclusiveIps) count(this.#clusterIps, address, unit)
    }
    const had = before ? frontElements(before, id, this.#node) : noFronts
    const has = after ? frontElements(after, id, this.#node) : noFronts
    changeClaims(this.#fronts, had.served, has.served, unit)
    changeClaims(this.#refusals, had.refused, has.refused, unit)
  }

  #seededSlots(list: number, hasAffinity: boolean): readonly Slot[] {
    const slots = this.#seed.slots.get(list) ?? noSlots
    return hasNumbers(slots) === hasAffinity ? slots : noSlots
  }

  /** Nobody else has its number: the front end of its ClusterIP tells. */
  #idOf({ key, before }: RouteChange): number {
    if (!before) return this.#takeId(key)
    const claims = isRouteServed(before) ? this.#fronts : this.#refusals
    const id = claims.idOf(clusterFrontKey(before), key)
    if (id === undefined) throw new Error(`Cannot change the route of ${key}: it was never planned`)
    return id
  }

  #takeId(key: string): number {
    const seeded = this.#seed.ids.get(key)
    if (seeded !== undefined && this.#unclaimedIds.delete(seeded)) return seeded
    const free = this.#freeIds.pop()
    if (free !== undefined) return free
    while (this.#seededIds.has(this.#nextId)) this.#nextId++
    if (this.#nextId >= mark.maxServicePorts)
      throw new Error(`Cannot route more than ${mark.maxServicePorts} service ports`)
    return this.#nextId++
  }
}

const noSlots: readonly Slot[] = []

const usable = (endpoints: readonly RouteEndpoint[]): readonly RouteEndpoint[] =>
  endpoints.length > maxListLength ? endpoints.slice(0, maxListLength) : endpoints

const hasAffinityOf = ({ affinitySeconds }: List): boolean => affinitySeconds > 0
const hasNumbers = (slots: readonly Slot[]): boolean => slots[0]?.endpoint !== undefined
const shapeNumberOf = (list: List): number => shapeNumber(list.slots.length, list.affinitySeconds)

const isSameSlot = (a: Slot, b: Slot): boolean =>
  a.address === b.address && a.port === b.port && a.endpoint === b.endpoint && a.isLocal === b.isLocal

function sameEndpoints(slots: readonly Slot[], wanted: readonly RouteEndpoint[]): boolean {
  return (
    slots.length === wanted.length &&
    slots.every((slot, index) => {
      const endpoint = wanted[index]!
      return slot.address === endpoint.address && slot.port === endpoint.port && slot.isLocal === endpoint.isLocal
    })
  )
}

const listElement = ({ number, slots, affinitySeconds, comment }: List): Element => ({
  map: 'lists',
  list: number,
  count: slots.length,
  affinitySeconds,
  comment,
})

function slotElement(list: List, slot: number, { address, port, endpoint }: Slot): Element {
  return endpoint === undefined
    ? { map: 'slots', list: list.number, slot, address, port }
    : { map: 'affinity-slots', list: list.number, slot, endpoint }
}

function planEndpointElements(before: readonly Slot[], after: readonly Slot[], unit: OpenUnit): void {
  const had = new Set(before.map(({ endpoint }) => endpoint))
  const has = new Set(after.map(({ endpoint }) => endpoint))
  for (const { endpoint, address, port } of before) {
    if (endpoint !== undefined && !has.has(endpoint)) unit.removes.push({ map: 'endpoints', endpoint, address, port })
  }
  for (const { endpoint, address, port } of after) {
    if (endpoint !== undefined && !had.has(endpoint)) unit.adds.push({ map: 'endpoints', endpoint, address, port })
  }
}

/** Writes the element at once when it is new. */
function count(elements: CountedElements, key: string, unit: OpenUnit): void {
  const added = elements.add(key)
  if (added) unit.adds.push(added)
}

function changeClaims(claims: ClaimedElements, had: readonly Front[], has: readonly Front[], unit: OpenUnit): void {
  if (had.length > 0) for (const front of had) if (!hasFront(has, front)) claims.release(front)
  if (has.length === 1) {
    const added = claims.claimOnly(has[0]!)
    if (added) unit.adds.push(added)
  } else if (has.length > 0) for (const front of has) claims.claim(front)
}

const hasFront = (fronts: readonly Front[], { key }: Front): boolean => fronts.some((front) => front.key === key)
