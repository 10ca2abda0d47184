/** Which fields a value has, and in which two values differ. */
import type { Schema } from '#api/schema.ts'
import { sameJson } from '../write/same-json.ts'
import { emptySet, type FieldSet, fieldSet, leaf, union } from './field-set.ts'
import { partsOf, shapeOf } from './walk-schema.ts'

/** The fields that a configuration speaks about: leaves, and list items and map keys themselves. */
export function fieldsOf(schema: Schema | undefined, value: unknown, owned = false): FieldSet {
  const parts = partsOf(schema, value)
  const isLeaf = shapeOf(schema, value) === 'leaf' || (parts.length === 0 && !Array.isArray(value))
  if (isLeaf) return leaf
  return fieldSet(
    owned,
    parts.map((part) => [part.element, fieldsOf(part.schema, part.value, part.owned)] as const),
  )
}

export interface Differences {
  /** New or changed. */
  readonly changed: FieldSet
  readonly removed: FieldSet
}

export function compareFields(schema: Schema | undefined, before: unknown, after: unknown): Differences {
  if (before === undefined) return { changed: everything(schema, after), removed: emptySet }
  if (after === undefined) return { changed: emptySet, removed: everything(schema, before) }
  const shape = shapeOf(schema, after)
  if (shape === 'leaf' || shapeOf(schema, before) !== shape) {
    return { changed: sameJson(before, after) ? emptySet : leaf, removed: emptySet }
  }
  const old = new Map(partsOf(schema, before).map((part) => [part.element, part]))
  const now = new Map(partsOf(schema, after).map((part) => [part.element, part]))
  const elements = [...new Set([...old.keys(), ...now.keys()])]
  const below = elements.map((element) => {
    const part = now.get(element) ?? old.get(element)!
    return [element, compareFields(part.schema, old.get(element)?.value, now.get(element)?.value)] as const
  })
  return {
    changed: fieldSet(
      false,
      below.map(([element, { changed }]) => [element, changed] as const),
    ),
    removed: fieldSet(
      false,
      below.map(([element, { removed }]) => [element, removed] as const),
    ),
  }
}

/** All fields including every map and struct on the way. */
function everything(schema: Schema | undefined, value: unknown): FieldSet {
  const parts = partsOf(schema, value)
  return union(
    leaf,
    fieldSet(
      true,
      parts.map((part) => [part.element, everything(part.schema, part.value)] as const),
    ),
  )
}
