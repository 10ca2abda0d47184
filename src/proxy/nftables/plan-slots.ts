/**
 * Which endpoint stands in which slot of a list. A connection takes a random slot below the list's length, so slots
 * have no gaps: a new endpoint fills the hole of one that went, and a hole left over takes the last slot's endpoint.
 * Everybody else stays, so a change touches a few elements only.
 */
import type { RouteEndpoint } from '../backend.ts'

export interface Slot extends RouteEndpoint {
  /** Unique number of this endpoint in this list, while a client's affinity may name it; absent without affinity. */
  readonly endpoint?: number
}

export type MakeSlot = (endpoint: RouteEndpoint) => Slot

/** `makeSlot` absent: endpoints are slots as they are. */
export function planSlots(
  before: readonly Slot[],
  wanted: readonly RouteEndpoint[],
  makeSlot?: MakeSlot,
): readonly Slot[] {
  if (before.length === 0) return makeSlot ? wanted.map(makeSlot) : wanted
  const missing = new Map(wanted.map((endpoint) => [`${endpoint.address} ${endpoint.port}`, endpoint]))
  const after: (Slot | undefined)[] = before.map((slot) => {
    const key = `${slot.address} ${slot.port}`
    const kept = missing.get(key)
    missing.delete(key)
    if (!kept || slot.endpoint === undefined) return kept
    return kept.isLocal === slot.isLocal ? slot : { ...kept, endpoint: slot.endpoint }
  })
  const fresh: Slot[] = makeSlot ? [...missing.values()].map(makeSlot) : [...missing.values()]
  for (let index = 0; index < after.length && fresh.length > 0; index++) after[index] ??= fresh.shift()
  return [...closeHoles(after), ...fresh]
}

function closeHoles(slots: readonly (Slot | undefined)[]): Slot[] {
  const closed = [...slots]
  for (let index = 0; index < closed.length; index++) {
    while (closed.length > index && closed.at(-1) === undefined) closed.pop()
    if (index < closed.length) closed[index] ??= closed.pop()
  }
  return closed as Slot[]
}
