import type { Kind } from './kind.ts'
import type { KubeObject } from './meta.ts'
import type { ArraySchema, MapSchema, ObjectSchema, Schema } from './schema.ts'

/** Fills in what the client left to Kubernetes: first the schema's static defaults, then the kind's rules. */
export function applyDefaults<T extends KubeObject>(kind: Kind<T>, object: T, before?: T): void {
  applySchemaDefaults(kind.schema, object)
  kind.applyDefaults?.(object, before)
}

/** The static defaults alone, for objects that are no kind's. Changes its argument. */
export function applySchemaDefaults(schema: Schema, value: unknown): void {
  if (value === undefined || value === null || !hasDefaults(schema)) return
  switch (schema.type) {
    case 'object':
      return applyFieldDefaults(schema as ObjectSchema, value as Record<string, unknown>)
    case 'array':
      return (value as unknown[]).forEach((item) => applySchemaDefaults((schema as ArraySchema).items, item))
    case 'map':
      return Object.values(value).forEach((item) => applySchemaDefaults((schema as MapSchema).values, item))
  }
}

function applyFieldDefaults(schema: ObjectSchema, value: Record<string, unknown>): void {
  for (const [name, field] of Object.entries(schema.fields)) {
    if (value[name] === undefined && field.default !== undefined) value[name] = structuredClone(field.default)
    applySchemaDefaults(field.schema, value[name])
  }
}

const known = new WeakMap<Schema, boolean>()

/** Whether anything below can have a default, so that whole subtrees (a PodStatus, say) are not walked. */
function hasDefaults(schema: Schema): boolean {
  const remembered = known.get(schema)
  if (remembered !== undefined) return remembered
  known.set(schema, false)
  const found = findDefaults(schema)
  known.set(schema, found)
  return found
}

function findDefaults(schema: Schema): boolean {
  switch (schema.type) {
    case 'array':
      return hasDefaults((schema as ArraySchema).items)
    case 'map':
      return hasDefaults((schema as MapSchema).values)
    case 'object':
      return Object.values((schema as ObjectSchema).fields).some(
        (field) => field.default !== undefined || hasDefaults(field.schema),
      )
    default:
      return false
  }
}
