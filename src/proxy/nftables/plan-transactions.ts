/** Which changes go into which transaction: as many as fit, in order, and none between two. */
import { elementKey, type Element } from './elements.ts'
import type { PlanUnit } from './plan-elements.ts'

/** The most bytes that an element takes in a message, names aside. */
const elementBytes = 64

export const sizeOf = (element: Element): number =>
  element.map === 'lists' ? 2 * elementBytes + element.chain.length + element.comment.length : elementBytes

export function planTransactions(units: readonly PlanUnit[], maxBytes: number): PlanUnit[][] {
  return pack(
    units.flatMap((unit) => (unitBytes(unit) > maxBytes ? splitUnit(unit, maxBytes) : [unit])),
    maxBytes,
  )
}

function pack(units: readonly PlanUnit[], maxBytes: number): PlanUnit[][] {
  const transactions: PlanUnit[][] = []
  let size = Infinity
  for (const unit of units) {
    const bytes = unitBytes(unit)
    size += bytes
    if (size > maxBytes) {
      transactions.push([])
      size = bytes
    }
    transactions.at(-1)!.push(unit)
  }
  return transactions
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
function splitUnit({ removes, adds }: PlanUnit, maxBytes: number): PlanUnit[] {
  const replaced = new Map(removes.map((element) => [elementKey(element), element]))
  const parts: PlanUnit[] = adds.map((element) => {
    const key = elementKey(element)
    const old = replaced.get(key)
    replaced.delete(key)
    return { removes: old ? [old] : [], adds: [element] }
  })
  const left = [...replaced.values()].map((element) => ({ removes: [element], adds: [] }))
  return pack([...parts, ...left], maxBytes).map((group) => ({
    removes: group.flatMap((part) => part.removes),
    adds: group.flatMap((part) => part.adds),
  }))
}
