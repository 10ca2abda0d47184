/** Taking over a table as it is in the kernel: keep its numbers and places, and change only what differs. */
import type { DesiredRoutes, NodeTraffic, RouteChange } from '../backend.ts'
import { type Element, hasSameData, type MapName, mapNames } from './elements.ts'
import * as mark from './mark.ts'
import { localSuffix, RoutePlanner, type PlannerSeed } from './plan-elements.ts'
import type { Slot } from './plan-slots.ts'
import type { PlanUnit } from './plan-unit.ts'
import { shortElementKey, type ShortKey } from './short-keys.ts'

export interface Adoption {
  /** Plans further changes from here on. */
  readonly planner: RoutePlanner
  /** What differs; asks for all list chains that the table needs. To be read to its end. */
  readonly units: Iterable<PlanUnit>
}

export function planAdoption(
  node: NodeTraffic,
  desired: DesiredRoutes,
  listed: readonly Element[],
  maxRememberedEndpoint: number,
): Adoption {
  const planner = new RoutePlanner(node, seedFrom(listed, maxRememberedEndpoint))
  const units = planner.plan(allNew(desired))
  return { planner, units: listed.length === 0 ? units : differences(listed, units) }
}

function* allNew({ routes }: DesiredRoutes): Generator<RouteChange> {
  for (const after of routes) yield { key: after.key, before: undefined, after }
}

function seedFrom(listed: readonly Element[], maxRememberedEndpoint: number): PlannerSeed {
  const ids = new Map<string, number>()
  const slots = new Map<number, Slot[]>()
  const endpoints = new Map<number, { address: string; port: number }>()
  let maxEndpoint = maxRememberedEndpoint
  for (const element of listed) {
    if (element.map === 'fronts' && element.comment !== undefined) {
      ids.set(element.comment, element.mark & (mark.maxServicePorts - 1))
    } else if (element.map === 'lists') {
      if (!(element.list & mark.localList)) ids.set(element.comment, element.list)
      else ids.set(element.comment.slice(0, -localSuffix.length), element.list & ~mark.localList)
    } else if (element.map === 'endpoints') {
      endpoints.set(element.endpoint, element)
      maxEndpoint = Math.max(maxEndpoint, element.endpoint)
    }
  }
  const place = (list: number, slot: number, value: Slot) => {
    const places = slots.get(list) ?? []
    places[slot] = value
    slots.set(list, places)
  }
  for (const element of listed) {
    if (element.map === 'slots') {
      const { address, port } = element
      place(element.list, element.slot, { address, port, isLocal: false })
    } else if (element.map === 'affinity-slots') {
      const { endpoint } = element
      const target = endpoints.get(endpoint)
      if (target)
        place(element.list, element.slot, { address: target.address, port: target.port, isLocal: false, endpoint })
    }
  }
  return {
    ids,
    slots: new Map([...slots].map(([list, places]) => [list, places.filter((slot) => slot !== undefined)])),
    nextEndpoint: maxEndpoint + 1,
  }
}

/** From what is listed to what `wanted` would write into an empty table. */
function* differences(listed: readonly Element[], wanted: Iterable<PlanUnit>): Generator<PlanUnit> {
  const present = new Map<MapName, Map<ShortKey, Element>>(mapNames.map((name) => [name, new Map()]))
  for (const element of listed) present.get(element.map)!.set(shortElementKey(element), element)
  for (const { adds, chains } of wanted) {
    const unit = { removes: [] as Element[], adds: [] as Element[], ...(chains && { chains }) }
    for (const element of adds) {
      const key = shortElementKey(element)
      const same = present.get(element.map)!
      const old = same.get(key)
      if (old) same.delete(key)
      if (old && hasSameData(old, element)) continue
      if (old) unit.removes.push(old)
      unit.adds.push(element)
    }
    if (unit.adds.length > 0 || chains) yield unit
  }
  // Front ends go before the lists behind them.
  const left = [...present.values()]
    .flatMap((same) => [...same.values()])
    .toSorted((a, b) => removalOrder(a) - removalOrder(b))
  for (const element of left) yield { removes: [element], adds: [] }
}

const removalOrder = (element: Element): number => (element.map === 'fronts' || element.map === 'nodeports' ? 0 : 1)
