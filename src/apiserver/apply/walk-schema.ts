/** How a value divides into fields that can have different owners, by its schema. */
import type { ArraySchema, MapSchema, ObjectSchema, Schema } from '#api/schema.ts'
import { isFields } from '../patch/merge-patch.ts'

/** One part of a value, under its element in a field set. */
export interface Part {
  readonly element: string
  readonly value: unknown
  readonly schema: Schema | undefined
  /** Items and map keys are members of their own; struct fields only through what is in them. */
  readonly owned: boolean
}

export type Shape = 'leaf' | 'fields' | 'items'

/** A leaf is owned as a whole: scalars, atomic lists and maps, and everything without a schema. */
export function shapeOf(schema: Schema | undefined, value: unknown): Shape {
  if (schema === undefined) return 'leaf'
  if (schema.type === 'object' || schema.type === 'map') {
    const atomic = (schema as ObjectSchema | MapSchema).mapType === 'atomic'
    return !atomic && isFields(value) ? 'fields' : 'leaf'
  }
  if (schema.type !== 'array' || !Array.isArray(value)) return 'leaf'
  const { listType } = (schema as ArraySchema).list
  return listType === 'map' || listType === 'set' ? 'items' : 'leaf'
}

/** Throws DuplicateItem when two items of a keyed list or set are the same. */
export function partsOf(schema: Schema | undefined, value: unknown): Part[] {
  switch (shapeOf(schema, value)) {
    case 'leaf':
      return []
    case 'fields':
      return Object.entries(value as Record<string, unknown>)
        .filter(([, part]) => part !== undefined && part !== null)
        .map(([key, part]) => ({
          element: `f:${key}`,
          value: part,
          schema: fieldSchema(schema, key),
          owned: schema?.type === 'map',
        }))
    case 'items':
      return itemsOf(schema as ArraySchema, value as unknown[])
  }
}

export class DuplicateItem extends Error {
  override readonly name = 'DuplicateItem'
}

function itemsOf(schema: ArraySchema, list: readonly unknown[]): Part[] {
  const seen = new Set<string>()
  return list.map((value) => {
    const element = elementOf(schema, value)
    if (seen.has(element)) throw new DuplicateItem(`duplicate entries for key [${element.slice(2)}]`)
    seen.add(element)
    return { element, value, schema: schema.items, owned: true }
  })
}

/** Keys that an item leaves out have their default, for example protocol TCP. */
export function elementOf(schema: ArraySchema, item: unknown): string {
  if (schema.list.listType === 'set') return `v:${JSON.stringify(item)}`
  const fields = isFields(item) ? item : {}
  const declared = (schema.items as ObjectSchema).fields ?? {}
  const keys = [...(schema.list.listMapKeys ?? [])].sort()
  const parts = keys.flatMap((key): [string, unknown][] => {
    const value = fields[key] ?? declared[key]?.default
    return value === undefined ? [] : [[key, value]]
  })
  return `k:${JSON.stringify(Object.fromEntries(parts))}`
}

function fieldSchema(schema: Schema | undefined, key: string): Schema | undefined {
  if (schema?.type === 'map') return (schema as MapSchema).values
  const { fields } = schema as ObjectSchema
  return Object.hasOwn(fields, key) ? fields[key]!.schema : undefined
}
