/** Puts an applied configuration into an object, and takes fields out of one. */
import type { ArraySchema, Schema } from '#api/schema.ts'
import type { FieldSet } from './field-set.ts'
import { elementOf, type Part, partsOf, shapeOf } from './walk-schema.ts'

/** @returns a new value with everything of both; the configuration wins */
export function mergeConfig(schema: Schema | undefined, live: unknown, config: unknown): unknown {
  const shape = shapeOf(schema, config)
  if (live === undefined || shape === 'leaf' || shapeOf(schema, live) !== shape) return config
  if (shape === 'items') return mergeItems(schema as ArraySchema, live as unknown[], config as unknown[])
  const merged = new Map(Object.entries(live as Record<string, unknown>))
  for (const part of partsOf(schema, config)) {
    const key = part.element.slice(2)
    merged.set(key, mergeConfig(part.schema, merged.get(key), part.value))
  }
  return Object.fromEntries(merged)
}

/** Items keep their places; new ones follow the item before them in the configuration. */
function mergeItems(schema: ArraySchema, live: readonly unknown[], config: readonly unknown[]): unknown[] {
  const wanted = new Map(partsOf(schema, config).map((part) => [part.element, part]))
  const result = live.map((item) => {
    const part = wanted.get(elementOf(schema, item))
    return part ? mergeConfig(schema.items, item, part.value) : item
  })
  const places = result.map((item) => elementOf(schema, item))
  let after = -1
  for (const [element, part] of wanted) {
    const index = places.indexOf(element)
    if (index >= 0) {
      after = index
      continue
    }
    const place = after < 0 ? places.length : after + 1
    places.splice(place, 0, element)
    result.splice(place, 0, part.value)
    after = place
  }
  return result
}

/**
 * @param gone members are taken out whole
 * @param kept what somebody else owns stays, with everything on the way to it
 */
export function removeFields(schema: Schema | undefined, value: unknown, gone: FieldSet, kept: FieldSet): unknown {
  const shape = shapeOf(schema, value)
  if (shape === 'leaf') return value
  const survivors = partsOf(schema, value).flatMap((part): Part[] => {
    const out = gone.children.get(part.element)
    if (!out) return [part]
    const others = kept.children.get(part.element)
    if (out.member && !others) return []
    const rest = removeFields(part.schema, part.value, out, others ?? { member: false, children: new Map() })
    return isHollow(rest) && !others ? [] : [{ ...part, value: rest }]
  })
  if (shape === 'items') return survivors.map((part) => part.value)
  return Object.fromEntries(survivors.map((part) => [part.element.slice(2), part.value]))
}

/** Maps and lists that lost all they had. */
function isHollow(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}
