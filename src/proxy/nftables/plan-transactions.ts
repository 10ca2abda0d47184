/** Which changes go into which transaction: as many as fit, in order, and none between two. */
import { elementKey, type Element } from './elements.ts'
import type { PlanUnit } from './plan-elements.ts'

/** The most bytes that an element takes in a message, names aside. */
const elementBytes = 64

export const sizeOf = (element: Element): number =>
  element.map === 'lists' ? elementBytes + element.comment.length : elementBytes

/** Reads units as it goes: each group before the next one is made. */
export function planTransactions(units: Iterable<PlanUnit>, maxBytes: number): Generator<PlanUnit[]> {
  return pack(splitLongUnits(units, maxBytes), maxBytes)
}

function* splitLongUnits(units: Iterable<PlanUnit>, maxBytes: number): Generator<PlanUnit> {
  for (const unit of units) {
    if (unitBytes(unit) > maxBytes) yield* splitUnit(unit, maxBytes)
    else yield unit
  }
}

function* pack(units: Iterable<PlanUnit>, maxBytes: number): Generator<PlanUnit[]> {
  let group: PlanUnit[] = []
  let size = 0
  for (const unit of units) {
    const bytes = unitBytes(unit)
    if (group.length > 0 && size + bytes > maxBytes) {
      yield group
      group = []
      size = 0
    }
    group.push(unit)
    size += bytes
  }
  if (group.length > 0) yield group
}

const unitBytes = ({ removes, adds }: PlanUnit): number => {
  let bytes = 0
  for (const element of removes) bytes += sizeOf(element)
  for (const element of adds) bytes += sizeOf(element)
  return bytes
}

/**
 * A list so long that one transaction cannot take it. In this order it is whole at each step: slots are filled, then
 * the list's length changes (it stands last among the additions), then slots behind its end go.
 */
function* splitUnit({ removes, adds, chains }: PlanUnit, maxBytes: number): Generator<PlanUnit> {
  if (chains) yield { removes: [], adds: [], chains }
  const replaced = new Map(removes.map((element) => [elementKey(element), element]))
  const parts: PlanUnit[] = adds.map((element) => {
    const key = elementKey(element)
    const old = replaced.get(key)
    replaced.delete(key)
    return { removes: old ? [old] : [], adds: [element] }
  })
  const left = [...replaced.values()].map((element) => ({ removes: [element], adds: [] }))
  for (const group of pack([...parts, ...left], maxBytes)) {
    yield { removes: group.flatMap((part) => part.removes), adds: group.flatMap((part) => part.adds) }
  }
}
