/**
 * From desired routes to changes of elements, against a memory of what the table holds. The memory moves along with
 * every plan: who fails to apply one has to start anew from a listing (`plan-adoption.ts`).
 */
import type { DesiredRoutes, NodeTraffic, ServicePortRoute } from '../backend.ts'
import { elementData, type Element } from './elements.ts'
import { listChain } from './desired-list-chains.ts'
import * as mark from './mark.ts'
import { allowedSource, frontElements, hasSameFronts, noFronts, sourceRanges, type Front } from './plan-fronts.ts'
import { planSlots, type MakeSlot, type Slot } from './plan-slots.ts'
import { ClaimedElements, CountedElements } from './shared-elements.ts'

/** Changes that must happen in one transaction. `removes` come first. */
export interface PlanUnit {
  readonly removes: readonly Element[]
  readonly adds: readonly Element[]
}

/** A unit being filled. */
interface OpenUnit extends PlanUnit {
  readonly removes: Element[]
  readonly adds: Element[]
}

export interface ListShape {
  readonly count: number
  readonly affinitySeconds: number
}

export interface Plan {
  /** Chains that the elements go to and that this planner has not asked for before. */
  readonly chains: readonly ListShape[]
  /** In the order in which to apply them when one transaction cannot take them all. */
  readonly units: readonly PlanUnit[]
}

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

interface List {
  readonly number: number
  readonly comment: string
  readonly affinitySeconds: number
  readonly slots: readonly Slot[]
}

interface Port {
  readonly id: number
  readonly route: ServicePortRoute
  readonly cluster: List | undefined
  readonly local: List | undefined
}

export class RoutePlanner {
  readonly #node: NodeTraffic
  readonly #seed: PlannerSeed
  readonly #ports = new Map<string, Port>()
  readonly #chains = new Set<string>()
  readonly #fronts = new ClaimedElements()
  readonly #refusals = new ClaimedElements()
  readonly #clusterIps = new CountedElements((address) => ({ map: 'cluster-ips', address }))
  readonly #hairpins = new CountedElements((address) => ({ map: 'hairpin', address }))
  readonly #seededIds: ReadonlySet<number>
  /** Seeded numbers whose service port has not come up yet; free after the first plan. */
  readonly #unclaimedIds: Set<number>
  readonly #freeIds: number[] = []
  /** Freed by this plan: used again only by a later one, when no packet can still hold them. */
  readonly #freedIds: number[] = []
  #nextId = 1
  #nextEndpoint: number

  constructor(node: NodeTraffic, seed: PlannerSeed = emptySeed) {
    this.#node = node
    this.#seed = seed
    this.#seededIds = new Set(seed.ids.values())
    this.#unclaimedIds = new Set(this.#seededIds)
    this.#nextEndpoint = seed.nextEndpoint
  }

  plan(desired: DesiredRoutes, changed?: ReadonlySet<string>): Plan {
    const units: PlanUnit[] = []
    const chains: ListShape[] = []
    const keys = changed ?? new Set([...this.#ports.keys(), ...desired.servicePorts.keys()])
    for (const key of keys) {
      const unit: OpenUnit = { removes: [], adds: [] }
      this.#planPort(key, desired.servicePorts.get(key), unit, chains)
      if (unit.removes.length > 0 || unit.adds.length > 0) units.push(unit)
    }
    this.#freeIds.push(...this.#freedIds.splice(0), ...this.#unclaimedIds)
    this.#unclaimedIds.clear()
    this.#clusterIps.settle(units)
    this.#hairpins.settle(units)
    this.#refusals.settle(units, () => true)
    this.#fronts.settle(units, (a, b) => elementData(a) === elementData(b))
    return { chains, units }
  }

  #planPort(key: string, route: ServicePortRoute | undefined, unit: OpenUnit, chains: ListShape[]): void {
    const before = this.#ports.get(key)
    if (before?.route === route) return
    const id = before?.id ?? this.#takeId(key)
    const cluster = this.#planList(before?.cluster, id, route, 'cluster', unit, chains)
    const local = this.#planList(before?.local, id, route, 'local', unit, chains)
    this.#planSources(id, before?.route, route, unit)
    this.#planFronts(id, before?.route, route)
    if (route) this.#ports.set(key, { id, route, cluster, local })
    else {
      this.#ports.delete(key)
      this.#freedIds.push(id)
    }
  }

  /** No list where there is no endpoint. */
  #planList(
    before: List | undefined,
    id: number,
    route: ServicePortRoute | undefined,
    scope: 'cluster' | 'local',
    unit: OpenUnit,
    chains: ListShape[],
  ): List | undefined {
    const wanted = route?.[scope] ?? noEndpoints
    if (wanted.length === 0 && !before) return undefined
    const number = scope === 'cluster' ? id : id | mark.localList
    const affinitySeconds = route?.affinitySeconds ?? 0
    const slots = this.#planSlots(before, number, wanted, affinitySeconds > 0)
    const comment = before?.comment ?? (scope === 'cluster' ? route!.key : `${route!.key} local`)
    const after = slots.length === 0 ? undefined : { number, comment, affinitySeconds, slots }
    this.#planSlotElements(before, after, unit)
    this.#planChain(before, after, unit, chains)
    return after
  }

  #planSlots(before: List | undefined, number: number, wanted: ServicePortRoute['cluster'], hasAffinity: boolean) {
    const hadAffinity = before ? before.affinitySeconds > 0 : hasAffinity
    const known = before?.slots ?? this.#seededSlots(number, hasAffinity)
    if (hadAffinity === hasAffinity && sameEndpoints(known, wanted)) return known
    const makeSlot: MakeSlot = ({ address, port, isLocal }) => ({
      address,
      port,
      isLocal,
      endpoint: hasAffinity ? this.#nextEndpoint++ : 0,
    })
    return planSlots(hadAffinity === hasAffinity ? known : [], wanted, makeSlot)
  }

  #planChain(before: List | undefined, after: List | undefined, unit: OpenUnit, chains: ListShape[]): void {
    const [had, has] = [before && chainOf(before), after && chainOf(after)]
    if (had === has) return
    if (before && had) unit.removes.push({ map: 'lists', list: before.number, chain: had, comment: before.comment })
    if (!after || !has) return
    unit.adds.push({ map: 'lists', list: after.number, chain: has, comment: after.comment })
    if (this.#chains.has(has)) return
    this.#chains.add(has)
    chains.push({ count: after.slots.length, affinitySeconds: after.affinitySeconds })
  }

  #planSlotElements(before: List | undefined, after: List | undefined, unit: OpenUnit): void {
    const had = before?.slots ?? noSlots
    const has = after?.slots ?? noSlots
    if (had === has) return
    const sameMap = before && after && before.affinitySeconds > 0 === after.affinitySeconds > 0
    for (let slot = 0; slot < Math.max(had.length, has.length); slot++) {
      const [old, now] = [had[slot], has[slot]]
      if (sameMap && old && now && isSameSlot(old, now)) continue
      if (old) {
        unit.removes.push(slotElement(before!, slot, old))
        if (old.isLocal) this.#hairpins.change(old.address, -1)
      }
      if (now) {
        unit.adds.push(slotElement(after!, slot, now))
        if (now.isLocal) this.#hairpins.change(now.address, 1)
      }
    }
    planEndpointElements(had, has, unit)
  }

  #planSources(id: number, before: ServicePortRoute | undefined, after: ServicePortRoute | undefined, unit: OpenUnit) {
    const had = sourceRanges(before, this.#node)
    const has = sourceRanges(after, this.#node)
    for (const range of had) if (!has.includes(range)) unit.removes.push(allowedSource(id, range))
    for (const range of has) if (!had.includes(range)) unit.adds.push(allowedSource(id, range))
  }

  #planFronts(id: number, before: ServicePortRoute | undefined, after: ServicePortRoute | undefined): void {
    if (before && after && hasSameFronts(before, after)) return
    for (const address of exclusiveIps(before)) this.#clusterIps.change(address, -1)
    for (const address of exclusiveIps(after)) this.#clusterIps.change(address, 1)
    const had = before ? frontElements(before, id, this.#node) : noFronts
    const has = after ? frontElements(after, id, this.#node) : noFronts
    const key = (after ?? before)!.key
    changeClaims(this.#fronts, key, had.served, has.served)
    changeClaims(this.#refusals, key, had.refused, has.refused)
  }

  #seededSlots(list: number, hasAffinity: boolean): readonly Slot[] {
    const slots = this.#seed.slots.get(list) ?? []
    return slots.length > 0 && slots[0]!.endpoint > 0 === hasAffinity ? slots : []
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

/** Addresses at which a port that no Service has is refused. */
const exclusiveIps = (route: ServicePortRoute | undefined): readonly string[] =>
  route ? [route.clusterIp, ...route.exclusiveIps] : []

const noEndpoints: ServicePortRoute['cluster'] = []
const noSlots: readonly Slot[] = []

const chainOf = (list: List): string => listChain(list.slots.length, list.affinitySeconds)

const isSameSlot = (a: Slot, b: Slot): boolean =>
  a.address === b.address && a.port === b.port && a.endpoint === b.endpoint && a.isLocal === b.isLocal

function sameEndpoints(slots: readonly Slot[], wanted: ServicePortRoute['cluster']): boolean {
  return (
    slots.length === wanted.length &&
    slots.every((slot, index) => {
      const endpoint = wanted[index]!
      return slot.address === endpoint.address && slot.port === endpoint.port && slot.isLocal === endpoint.isLocal
    })
  )
}

function slotElement(list: List, slot: number, { address, port, endpoint }: Slot): Element {
  return list.affinitySeconds > 0
    ? { map: 'affinity-slots', list: list.number, slot, endpoint }
    : { map: 'slots', list: list.number, slot, address, port }
}

function planEndpointElements(before: readonly Slot[], after: readonly Slot[], unit: OpenUnit): void {
  if ((before[0]?.endpoint ?? 0) === 0 && (after[0]?.endpoint ?? 0) === 0) return
  const had = new Map(before.map((slot) => [slot.endpoint, slot]))
  const has = new Map(after.map((slot) => [slot.endpoint, slot]))
  for (const { endpoint, address, port } of before) {
    if (endpoint !== 0 && !has.has(endpoint)) unit.removes.push({ map: 'endpoints', endpoint, address, port })
  }
  for (const { endpoint, address, port } of after) {
    if (endpoint !== 0 && !had.has(endpoint)) unit.adds.push({ map: 'endpoints', endpoint, address, port })
  }
}

function changeClaims(claims: ClaimedElements, owner: string, had: readonly Front[], has: readonly Front[]): void {
  for (const { key } of had) if (!has.some((front) => front.key === key)) claims.release(key, owner)
  for (const { key, element } of has) claims.claim(key, owner, element)
}
