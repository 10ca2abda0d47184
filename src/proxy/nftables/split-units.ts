/** Units that no transaction can take, cut where a list is whole. */
import { elementKey, type Element } from './elements.ts'
import type { PlanUnit } from './plan-unit.ts'

/** Elements have up to 64 bytes, and lists a comment of up to 250 beside; each list comes with a slot. */
const elementBytesOnAverage = 192

/** No unit takes more than this. */
export const maxUnitBytes = ({ removes, adds }: PlanUnit): number =>
  (removes.length + adds.length) * elementBytesOnAverage

export function* splitLongUnits(units: Iterable<PlanUnit>, maxBytes: number): Generator<PlanUnit> {
  for (const unit of units) {
    if (maxUnitBytes(unit) > maxBytes) yield* splitUnit(unit, maxBytes)
    else yield unit
  }
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
  yield* pack([...parts, ...left], Math.floor(maxBytes / elementBytesOnAverage))
}

/** Joins them, in order, to as few units as so many elements each allow. */
function* pack(parts: readonly PlanUnit[], maxElements: number): Generator<PlanUnit> {
  let removes: Element[] = []
  let adds: Element[] = []
  for (const part of parts) {
    const length = part.removes.length + part.adds.length
    if (adds.length + removes.length > 0 && removes.length + adds.length + length > maxElements) {
      yield { removes, adds }
      removes = []
      adds = []
    }
    removes.push(...part.removes)
    adds.push(...part.adds)
  }
  if (removes.length + adds.length > 0) yield { removes, adds }
}
