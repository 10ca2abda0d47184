/** From any JSON value to the shape that a schema describes: nulls and unknown fields go, wrong types are reported. */
import type { Finding, Kind } from './kind.ts'
import { quantityPattern, quantityProblems } from './check-quantity.ts'
import type { ArraySchema, IntegerSchema, MapSchema, ObjectSchema, Schema } from './schema.ts'

export interface Decoded<T> {
  readonly value: T
  /** Paths of fields that the schema does not have, in order: `spec.foo`, `spec.containers[0].imag`. */
  readonly unknown: readonly string[]
  /** Values of the wrong type; `message` is the JSON decoder's sentence. The value then lacks them. */
  readonly errors: readonly Finding[]
}

export function decodeObject<T>(schema: ObjectSchema<T>, json: unknown): Decoded<T> {
  const notes: Notes = { unknown: [], errors: [] }
  const value = decodeFields(schema, json, { notes, path: '', goPath: '', struct: '' }) ?? {}
  if ('metadata' in schema.fields) value['metadata'] ??= {}
  return { value: value as T, ...notes }
}

/** The sentence of a 400 answer for a body that does not decode; undefined when nothing is wrong. */
export function describeTypeErrors(
  kind: Pick<Kind, 'version' | 'kind'>,
  errors: readonly Finding[],
): string | undefined {
  const [first] = errors
  return first && `${prefix(kind)}: ${first.message}`
}

/** The sentence of a 400 answer under strict field validation. `problems` are whole: `unknown field "spec.foo"`. */
export function describeStrictErrors(kind: Pick<Kind, 'version' | 'kind'>, problems: readonly string[]): string {
  return `${prefix(kind)}: strict decoding error: ${problems.join(', ')}`
}

export function describeUnknownField(path: string): string {
  return `unknown field ${JSON.stringify(path)}`
}

const prefix = ({ kind, version }: Pick<Kind, 'version' | 'kind'>) =>
  `${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}`

interface Notes {
  readonly unknown: string[]
  readonly errors: Finding[]
}

interface Place {
  readonly notes: Notes
  /** Kubernetes path: `spec.ports[0].port`. */
  readonly path: string
  /** The same as the JSON decoder names it: `spec.ports.port`. */
  readonly goPath: string
  /** Name of the innermost struct. */
  readonly struct: string
}

function decode(schema: Schema, json: unknown, place: Place): unknown {
  switch (schema.type) {
    case 'object':
      return decodeFields(schema as ObjectSchema, json, place)
    case 'array':
      return decodeArray(schema as ArraySchema, json, place)
    case 'map':
      return decodeMap(schema as MapSchema, json, place)
    case 'raw':
    case 'fieldsV1':
      return json
    case 'string':
      return typeof json === 'string' ? json : wrongType(json, 'string', place)
    case 'boolean':
      return typeof json === 'boolean' ? json : wrongType(json, 'bool', place)
    case 'number':
      return typeof json === 'number' ? json : wrongType(json, 'float64', place)
    case 'integer':
      return decodeInteger(schema as IntegerSchema, json, place)
    case 'intOrString':
      return typeof json === 'string' ? json : decodeInt32(json, place)
    case 'quantity':
      return decodeQuantity(json, place)
    case 'time':
      return decodeTime(json, false, place)
    case 'microTime':
      return decodeTime(json, true, place)
    case 'duration':
      return typeof json === 'string' ? json : wrongType(json, 'string', place)
    case 'bytes':
      return decodeBytes(json, place)
    default:
      return schema.type satisfies never
  }
}

function decodeFields(schema: ObjectSchema, json: unknown, place: Place): Record<string, unknown> | undefined {
  if (!isRecord(json)) return wrongType(json, goType(schema), place)
  const result: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(json)) {
    const path = place.path === '' ? name : `${place.path}.${name}`
    const field = Object.hasOwn(schema.fields, name) ? schema.fields[name] : undefined
    if (field === undefined) {
      place.notes.unknown.push(path)
      continue
    }
    if (value === null) continue
    const goPath = place.goPath === '' ? name : `${place.goPath}.${name}`
    const decoded = decode(field.schema, value, { notes: place.notes, path, goPath, struct: shortName(schema) })
    if (decoded !== undefined) result[name] = decoded
  }
  return result
}

function decodeArray(schema: ArraySchema, json: unknown, place: Place): unknown[] | undefined {
  if (!Array.isArray(json)) return wrongType(json, goType(schema), place)
  return json.map((item: unknown, index) => {
    const value = item === null ? zeroOf(schema.items) : item
    return decode(schema.items, value, { ...place, path: `${place.path}[${index}]` }) ?? zeroOf(schema.items)
  })
}

function decodeMap(schema: MapSchema, json: unknown, place: Place): Record<string, unknown> | undefined {
  if (!isRecord(json)) return wrongType(json, goType(schema), place)
  const entries = Object.entries(json).flatMap(([key, item]) => {
    const value = item === null ? zeroOf(schema.values) : item
    const decoded = decode(schema.values, value, { ...place, path: `${place.path}.${key}` })
    return decoded === undefined ? [] : [[key, decoded] as const]
  })
  return Object.fromEntries(entries)
}

/** What Go makes of null inside a list or a map. */
function zeroOf(schema: Schema): unknown {
  switch (schema.type) {
    case 'object':
    case 'map':
      return {}
    case 'array':
      return []
    case 'integer':
    case 'number':
    case 'intOrString':
      return 0
    case 'boolean':
      return false
    case 'quantity':
      return '0'
    default:
      return ''
  }
}

function decodeInteger(schema: IntegerSchema, json: unknown, place: Place): number | undefined {
  if (schema.format === 'int32') return decodeInt32(json, place)
  return typeof json === 'number' && Number.isInteger(json) ? json : wrongType(json, 'int64', place)
}

function decodeInt32(json: unknown, place: Place): number | undefined {
  const fits = typeof json === 'number' && Number.isInteger(json) && json === (json | 0)
  return fits ? json : wrongType(json, 'int32', place)
}

function decodeQuantity(json: unknown, place: Place): string | undefined {
  const text = typeof json === 'number' ? String(json) : json
  if (typeof text !== 'string') return wrongType(json, 'string', place)
  if (quantityProblems(text).length === 0) return text
  return refuse(place, `quantities must match the regular expression '${quantityPattern}'`)
}

const timePattern = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/

function decodeTime(json: unknown, micro: boolean, place: Place): string | undefined {
  if (typeof json !== 'string') return wrongType(json, 'string', place)
  const match = timePattern.exec(json)
  const seconds = match && Date.parse(`${match[1]}T${match[2]}${match[4]}`)
  if (match === null || seconds === null || Number.isNaN(seconds)) {
    const layout = micro ? '2006-01-02T15:04:05.000000Z07:00' : '2006-01-02T15:04:05Z07:00'
    return refuse(place, `parsing time ${JSON.stringify(json)} as ${JSON.stringify(layout)}: cannot parse it`)
  }
  const instant = new Date(seconds).toISOString().slice(0, 19)
  return micro ? `${instant}.${(match[3] ?? '').padEnd(6, '0').slice(0, 6)}Z` : `${instant}Z`
}

function decodeBytes(json: unknown, place: Place): string | undefined {
  if (typeof json !== 'string') return wrongType(json, '[]uint8', place)
  const text = json.replace(/[\r\n]/g, '')
  const bad = /[^A-Za-z0-9+/=]|=(?!=?$)/.exec(text)
  if (bad !== null) return refuse(place, `illegal base64 data at input byte ${bad.index}`)
  if (text.length % 4 !== 0)
    return refuse(place, `illegal base64 data at input byte ${text.length - (text.length % 4)}`)
  return text
}

function wrongType(json: unknown, wanted: string, place: Place): undefined {
  const found = jsonTypeOf(json)
  const where = place.struct === '' ? 'Go value' : `Go struct field ${place.struct}.${place.goPath}`
  return refuse(place, `json: cannot unmarshal ${found} into ${where} of type ${wanted}`)
}

function refuse(place: Place, message: string): undefined {
  place.notes.errors.push({ field: place.path, reason: 'FieldValueTypeInvalid', message })
}

function jsonTypeOf(json: unknown): string {
  if (json === null || json === undefined) return 'null'
  if (Array.isArray(json)) return 'array'
  if (typeof json === 'boolean') return 'bool'
  if (typeof json === 'number') return Number.isInteger(json) && json === (json | 0) ? 'number' : `number ${json}`
  return typeof json
}

/** The type's name in Go, as it stands in the decoder's messages. */
function goType(schema: Schema): string {
  switch (schema.type) {
    case 'object': {
      const [name, version] = (schema as ObjectSchema).name.split('.').toReversed()
      return `${version}.${name}`
    }
    case 'array':
      return `[]${goType((schema as ArraySchema).items)}`
    case 'map':
      return `map[string]${goType((schema as MapSchema).values)}`
    case 'integer':
      return (schema as IntegerSchema).format
    case 'boolean':
      return 'bool'
    case 'bytes':
      return '[]uint8'
    default:
      return 'string'
  }
}

const shortName = (schema: ObjectSchema) => schema.name.slice(schema.name.lastIndexOf('.') + 1)

function isRecord(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}
