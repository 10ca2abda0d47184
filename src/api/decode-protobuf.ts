/** Request bodies of type application/vnd.kubernetes.protobuf, read by the schemas of the kinds. */
import { quantityProblems } from './check-quantity.ts'
import type { KubeObject } from './meta.ts'
import { ProtobufError, ProtobufReader } from './protobuf-reader.ts'
import type { ArraySchema, Field, MapSchema, ObjectSchema, Schema } from './schema.ts'
import { findSchema } from './schemas.ts'

export interface DecodedProtobuf {
  readonly apiVersion: string
  readonly kind: string
  /** The JSON shape, with apiVersion and kind; for DeleteOptions and Scale too. */
  readonly object: KubeObject
}

const magic = [0x6b, 0x38, 0x73, 0x00]

/** Reads the envelope `k8s\0` and the message in it. Throws ProtobufError. */
export function decodeProtobuf(body: Uint8Array): DecodedProtobuf {
  const { apiVersion, kind, raw } = readEnvelope(body)
  const schema = findSchema(apiVersion, kind)
  if (schema === undefined) {
    throw new ProtobufError(
      `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "frontdesk"`,
    )
  }
  return { apiVersion, kind, object: { apiVersion, kind, ...decodeMessage(schema, raw) } as KubeObject }
}

/** One message without an envelope. */
export function decodeMessage(schema: ObjectSchema, bytes: Uint8Array): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  readFields(layoutOf(schema), bytes, result)
  return result
}

function readEnvelope(body: Uint8Array): { apiVersion: string; kind: string; raw: Uint8Array } {
  if (!magic.every((byte, index) => body[index] === byte)) {
    throw new ProtobufError('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]')
  }
  const envelope = { apiVersion: '', kind: '', raw: new Uint8Array() }
  eachField(body.subarray(magic.length), {
    1: (reader) =>
      eachField(reader.bytes(), {
        1: (inner) => (envelope.apiVersion = inner.text()),
        2: (inner) => (envelope.kind = inner.text()),
      }),
    2: (reader) => (envelope.raw = reader.bytes() as Uint8Array<ArrayBuffer>),
  })
  return envelope
}

interface Layout {
  readonly fields: ReadonlyMap<number, readonly [name: string, field: Field]>
  /** Structs that Go embeds: their fields belong to the parent. */
  readonly embedded: ReadonlyMap<number, Layout>
}

const layouts = new WeakMap<ObjectSchema, Layout>()

function layoutOf(schema: ObjectSchema): Layout {
  const known = layouts.get(schema)
  if (known !== undefined) return known
  const layout = buildLayout(Object.entries(schema.fields))
  layouts.set(schema, layout)
  return layout
}

function buildLayout(entries: readonly (readonly [string, Field])[]): Layout {
  const own = entries.filter(([, field]) => field.via === undefined && field.tag !== 0)
  const inner = Map.groupBy(
    entries.filter(([, field]) => field.via !== undefined),
    ([, field]) => field.via ?? 0,
  )
  const embedded = [...inner].map(([tag, fields]) => {
    const direct = fields.map(([name, field]): [string, Field] => [
      name,
      { ...field, via: undefined } as unknown as Field,
    ])
    return [tag, buildLayout(direct)] as const
  })
  return { fields: new Map(own.map((entry) => [entry[1].tag, entry])), embedded: new Map(embedded) }
}

function readFields(layout: Layout, bytes: Uint8Array, result: Record<string, unknown>): void {
  const reader = new ProtobufReader(bytes)
  while (!reader.atEnd) {
    const { tag, wire } = reader.key()
    const entry = layout.fields.get(tag)
    const embedded = layout.embedded.get(tag)
    if (entry !== undefined) readField(entry, reader, wire, result)
    else if (embedded !== undefined) readFields(embedded, reader.bytes(), result)
    else reader.skip(wire)
  }
}

function readField(
  [name, field]: readonly [string, Field],
  reader: ProtobufReader,
  wire: number,
  result: Record<string, unknown>,
): void {
  const { schema } = field
  if (schema.type === 'array') return readArray(name, schema as ArraySchema, reader, wire, result)
  if (schema.type === 'map') {
    const entries = (result[name] ??= {}) as Record<string, unknown>
    const [key, value] = readMapEntry(schema as MapSchema, reader.bytes())
    entries[key] = value
    return
  }
  const value = readValue(schema, reader)
  const keepsZero = (field.zero ?? (field.required ? 'keep' : 'drop')) === 'keep'
  if (value !== undefined && (keepsZero || !isZero(schema, value))) result[name] = value
}

function readArray(
  name: string,
  schema: ArraySchema,
  reader: ProtobufReader,
  wire: number,
  result: Record<string, unknown>,
): void {
  if (schema.wrapped) {
    result[name] = readWrapped(schema, reader.bytes())
    return
  }
  const items = (result[name] ??= []) as unknown[]
  const isPacked = wire === 2 && (schema.items.type === 'integer' || schema.items.type === 'boolean')
  if (!isPacked) {
    items.push(readValue(schema.items, reader))
    return
  }
  const packed = new ProtobufReader(reader.bytes())
  while (!packed.atEnd) items.push(readValue(schema.items, packed))
}

function readWrapped(schema: ArraySchema, bytes: Uint8Array): unknown[] {
  const items: unknown[] = []
  eachField(bytes, { 1: (reader) => items.push(readValue(schema.items, reader)) })
  return items
}

function readMapEntry(schema: MapSchema, bytes: Uint8Array): [string, unknown] {
  let key = ''
  let value: unknown
  const readItem = (reader: ProtobufReader) =>
    schema.values.type === 'array'
      ? readWrapped(schema.values as ArraySchema, reader.bytes())
      : readValue(schema.values, reader)
  eachField(bytes, { 1: (reader) => (key = reader.text()), 2: (reader) => (value = readItem(reader)) })
  return [key, value ?? emptyOf(schema.values)]
}

function emptyOf(schema: Schema): unknown {
  switch (schema.type) {
    case 'object':
      return {}
    case 'array':
      return []
    case 'quantity':
      return '0'
    case 'integer':
    case 'number':
      return 0
    case 'boolean':
      return false
    default:
      return ''
  }
}

function readValue(schema: Schema, reader: ProtobufReader): unknown {
  switch (schema.type) {
    case 'string':
      return reader.text()
    case 'integer':
      return reader.integer()
    case 'number':
      return reader.double()
    case 'boolean':
      return reader.varint() !== 0n
    case 'bytes':
      return Buffer.from(reader.bytes()).toString('base64')
    case 'object':
      return decodeMessage(schema as ObjectSchema, reader.bytes())
    case 'intOrString':
      return readIntOrString(reader.bytes())
    case 'quantity':
      return readQuantity(reader.bytes())
    case 'time':
      return readTime(reader.bytes(), 0)
    case 'microTime':
      return readTime(reader.bytes(), 6)
    case 'duration':
      return readDuration(reader.bytes())
    case 'raw':
    case 'fieldsV1':
      return readJson(reader.bytes())
    case 'array':
    case 'map':
      throw new ProtobufError(`proto: a ${schema.type} cannot stand inside a list`)
    default:
      return schema.type satisfies never
  }
}

/** Go writes zero scalars and empty structs of plain (non-pointer) fields; in JSON those are absent. */
function isZero(schema: Schema, value: unknown): boolean {
  if (schema.type === 'object') return isZeroStruct(schema as ObjectSchema, value as Record<string, unknown>)
  if (schema.type === 'quantity') return value === '0'
  return value === '' || value === 0 || value === false
}

/** Nothing in it but zeros of plain fields; a pointer's zero was meant. */
function isZeroStruct(schema: ObjectSchema, value: Record<string, unknown>): boolean {
  return Object.entries(value).every(([name, item]) => {
    const field = schema.fields[name]
    return field !== undefined && field.zero !== 'keep' && isZero(field.schema, item)
  })
}

function readIntOrString(bytes: Uint8Array): number | string {
  let isText = false
  let number = 0
  let text = ''
  eachField(bytes, {
    1: (reader) => (isText = reader.varint() === 1n),
    2: (reader) => (number = reader.integer()),
    3: (reader) => (text = reader.text()),
  })
  return isText ? text : number
}

/** An empty message is Go's zero time: null in JSON, so absent. */
function readTime(bytes: Uint8Array, fractionDigits: 0 | 6): string | undefined {
  if (bytes.length === 0) return undefined
  let seconds = 0
  let nanos = 0
  eachField(bytes, { 1: (reader) => (seconds = reader.integer()), 2: (reader) => (nanos = reader.integer()) })
  const instant = new Date(seconds * 1000).toISOString().slice(0, 19)
  if (fractionDigits === 0) return `${instant}Z`
  return `${instant}.${String(Math.trunc(nanos / 1000)).padStart(6, '0')}Z`
}

function readDuration(bytes: Uint8Array): string {
  let nanos = 0
  eachField(bytes, { 1: (reader) => (nanos = reader.integer()) })
  return `${nanos / 1e9}s`
}

function readQuantity(bytes: Uint8Array): string {
  const text = readText(bytes) || '0'
  const [problem] = quantityProblems(text)
  if (problem !== undefined) throw new ProtobufError(problem)
  return text
}

function readText(bytes: Uint8Array): string {
  let text = ''
  eachField(bytes, { 1: (reader) => (text = reader.text()) })
  return text
}

function readJson(bytes: Uint8Array): unknown {
  const text = readText(bytes)
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ProtobufError(`embedded JSON does not parse: ${String(error)}`, { cause: error })
  }
}

function eachField(bytes: Uint8Array, handlers: Readonly<Record<number, (reader: ProtobufReader) => void>>): void {
  const reader = new ProtobufReader(bytes)
  while (!reader.atEnd) {
    const { tag, wire } = reader.key()
    const handler = handlers[tag]
    if (handler === undefined) reader.skip(wire)
    else handler(reader)
  }
}
