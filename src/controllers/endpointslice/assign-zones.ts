/** `topology-mode: Auto`: which zone each endpoint serves, in proportion to what the zones have. Pure. */
import type { ZoneShares } from './zone-shares.ts'

export interface ZonedEndpoint {
  /** Tells it from the others; the order of keys decides which ones move. */
  readonly key: string
  readonly zone: string | undefined
  /** The zone that it served until now. */
  readonly former?: string
}

export interface ZoneAssignment {
  /** By key. Absent when endpoints cannot be shared out; then `problem` says why. */
  readonly zones?: ReadonlyMap<string, string>
  readonly problem?: string
}

/** How much more than its part an endpoint may get before others are asked to help. */
const overload = 0.2

export function assignZones(endpoints: readonly ZonedEndpoint[], shares: ZoneShares): ZoneAssignment {
  const targets = planTargets(endpoints.length, shares)
  if (typeof targets === 'string') return { problem: targets }
  const serving = new Map<string, ZonedEndpoint[]>([...targets.keys()].map((zone) => [zone, []]))
  for (const endpoint of endpoints) {
    if (!endpoint.zone) return { problem: 'One or more endpoints do not have a zone specified' }
    const there = serving.get(endpoint.zone)
    if (there) there.push(endpoint)
    else serving.set(endpoint.zone, [endpoint])
  }
  takeFromLeftZones(serving, targets)
  fillShortZones(serving, targets)
  const zones = [...serving].flatMap(([zone, there]) => there.map(({ key }) => [key, zone] as const))
  return { zones: new Map(zones) }
}

interface Target {
  /** With fewer, the zone's endpoints would be overloaded. */
  readonly minimum: number
  readonly desired: number
}

function planTargets(count: number, shares: ZoneShares): ReadonlyMap<string, Target> | string {
  if (!shares) {
    return 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes'
  }
  if (shares.size < 2) return 'Nodes only ready in one zone'
  const numbers = `(${count} endpoints, ${shares.size} zones)`
  if (shares.size > count) return `Insufficient number of endpoints ${numbers}`
  const targets = [...shares].map(([zone, share]) => {
    const minimum = Math.ceil((share * count) / (1 + overload) - 1e-9)
    return [zone, { minimum, desired: Math.max(share * count, minimum) }] as const
  })
  const needed = targets.reduce((sum, [, { minimum }]) => sum + minimum, 0)
  if (needed > count) {
    return `Unable to allocate minimum required endpoints to each zone without exceeding overload threshold ${numbers}`
  }
  return new Map(targets)
}

type Serving = Map<string, ZonedEndpoint[]>

/** A zone without ready nodes has nobody to serve: its endpoints serve others. */
function takeFromLeftZones(serving: Serving, targets: ReadonlyMap<string, Target>): void {
  for (const [zone, there] of serving) {
    if (targets.has(zone)) continue
    while (there.length > 0) moveOne(there, neediest(serving, targets), serving)
    serving.delete(zone)
  }
}

/** Zones below their minimum are filled up to their share; while none is, nothing moves. */
function fillShortZones(serving: Serving, targets: ReadonlyMap<string, Target>): void {
  const short = [...targets].filter(([zone, { minimum }]) => serving.get(zone)!.length < minimum)
  for (const [zone, { minimum, desired }] of short) {
    const wanted = Math.max(minimum, Math.floor(desired))
    while (serving.get(zone)!.length < wanted) {
      const donor = richest(serving, targets)
      if (donor === undefined || donor === zone) break
      moveOne(serving.get(donor)!, zone, serving)
    }
  }
}

function surplus(serving: Serving, zone: string, { desired }: Target): number {
  return serving.get(zone)!.length - desired
}

function neediest(serving: Serving, targets: ReadonlyMap<string, Target>): string {
  return [...targets].toSorted(
    ([a, targetA], [b, targetB]) => surplus(serving, a, targetA) - surplus(serving, b, targetB) || (a < b ? -1 : 1),
  )[0]![0]
}

/** The zone with the most above its share, which can spare one. */
function richest(serving: Serving, targets: ReadonlyMap<string, Target>): string | undefined {
  const able = [...targets].filter(([zone, { minimum }]) => serving.get(zone)!.length > minimum)
  return able.toSorted(
    ([a, targetA], [b, targetB]) => surplus(serving, b, targetB) - surplus(serving, a, targetA) || (a < b ? -1 : 1),
  )[0]?.[0]
}

/** One that has served there before, else the last: so that as few hints as possible change. */
function moveOne(from: ZonedEndpoint[], zone: string, serving: Serving): void {
  const known = from.findIndex(({ former }) => former === zone)
  const index = known >= 0 ? known : from.reduce((last, { key }, at) => (key > from[last]!.key ? at : last), 0)
  serving.get(zone)!.push(...from.splice(index, 1))
}
