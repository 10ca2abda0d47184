import { copyJson } from '#lib/copy-json.ts'
import type { Kind } from './kind.ts'
import type { KubeObject } from './meta.ts'
import type { ArraySchema, Field, MapSchema, ObjectSchema, Schema } from './schema.ts'

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

interface FieldPlan {
  readonly name: string
  readonly schema: Schema
  readonly filling: unknown
  /** Whether something below has a default. */
  readonly goesOn: boolean
}

const plans = new WeakMap<ObjectSchema, readonly FieldPlan[]>()

/** The fields that have anything to do with defaults. */
function planOf(schema: ObjectSchema): readonly FieldPlan[] {
  const known = plans.get(schema)
  if (known !== undefined) return known
  const plan = Object.entries(schema.fields)
    .map(([name, field]) => ({
      name,
      schema: field.schema,
      filling: fillingOf(field),
      goesOn: hasDefaults(field.schema),
    }))
    .filter(({ filling, goesOn }) => filling !== undefined || goesOn)
  plans.set(schema, plan)
  return plan
}

function applyFieldDefaults(schema: ObjectSchema, value: Record<string, unknown>): void {
  for (const { name, schema: inner, filling, goesOn } of planOf(schema)) {
    if (value[name] === undefined && filling !== undefined) {
      value[name] = typeof filling === 'object' ? copyJson(filling) : filling
    }
    if (goesOn) applySchemaDefaults(inner, value[name])
  }
}

function fillingOf(field: Field): unknown {
  if (field.default !== undefined) return field.default
  return field.required && field.zero === undefined ? zeroOf(field.schema) : undefined
}

/** What Go has in a plain field that nobody set; lists, maps and times are nil. */
function zeroOf(schema: Schema): unknown {
  switch (schema.type) {
    case 'string':
    case 'bytes':
    case 'duration':
      return ''
    case 'integer':
    case 'number':
    case 'intOrString':
      return 0
    case 'boolean':
      return false
    case 'quantity':
      return '0'
    case 'object':
      return {}
    default:
      return undefined
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
        (field) => fillingOf(field) !== undefined || hasDefaults(field.schema),
      )
    default:
      return false
  }
}
