import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeMessage, decodeProtobuf } from './decode-protobuf.ts'
import captured from './fixtures/kubectl-protobuf.json' with { type: 'json' }
import { ProtobufError } from './protobuf-reader.ts'
import { kinds } from './registry.ts'
import type { ArraySchema, Field, MapSchema, ObjectSchema, Schema } from './schema.ts'

for (const { name, body, object } of captured) {
  test(`reads what kubectl 1.32 sends for: ${name}`, () => {
    assert.deepEqual(decodeProtobuf(Buffer.from(body, 'base64')).object, object)
  })
}

for (const kind of kinds) {
  test(`reads back every ${kind.kind} that a Go-like encoder writes`, () => {
    const property = fc.property(objectArbitrary(kind.schema, 3), (value) => {
      assert.deepEqual(decodeMessage(kind.schema, encodeMessage(kind.schema, value)), value)
    })
    fc.assert(property, { numRuns: 10 })
  })
}

const refused: readonly { name: string; body: number[]; message: RegExp }[] = [
  { name: 'no magic bytes', body: [123, 125], message: /does not appear to be a protobuf message/ },
  {
    name: 'an unknown kind',
    body: [0x6b, 0x38, 0x73, 0, 10, 6, 10, 1, 118, 18, 1, 88],
    message: /no kind "X" is regist/,
  },
  { name: 'a length beyond the end', body: [0x6b, 0x38, 0x73, 0, 10, 99, 1], message: /unexpected EOF/ },
]
for (const { name, body, message } of refused) {
  test(`refuses ${name}`, () => {
    assert.throws(
      () => decodeProtobuf(Uint8Array.from(body)),
      (error) => error instanceof ProtobufError && message.test(error.message),
    )
  })
}

test('DeleteOptions come under any apiVersion', () => {
  const body = Uint8Array.from([
    0x6b,
    0x38,
    0x73,
    0,
    10,
    23,
    10,
    6,
    ...ascii('apps/v'),
    18,
    13,
    ...ascii('DeleteOptions'),
    18,
    2,
    8,
    0,
  ])
  assert.deepEqual(decodeProtobuf(body).object, { apiVersion: 'apps/v', kind: 'DeleteOptions', gracePeriodSeconds: 0 })
})

function ascii(text: string): number[] {
  return [...Buffer.from(text)]
}

// ---- values that survive: no nulls, no zeros where Go cannot tell zero from absent

type Json = Record<string, unknown>

function objectArbitrary(schema: ObjectSchema, depth: number): fc.Arbitrary<Json> {
  const fields = Object.entries(schema.fields).filter(([, field]) => field.tag !== 0)
  const shape = Object.fromEntries(fields.map(([name, field]) => [name, fieldArbitrary(field, depth)]))
  const requiredKeys = fields.filter(([, field]) => keepsZero(field) && !isNullable(field)).map(([name]) => name)
  return fc.record(shape, { requiredKeys, noNullPrototype: true }).map(dropUndefined)
}

const keepsZero = (field: Field) => (field.zero ?? (field.required ? 'keep' : 'drop')) === 'keep'
// A pointer, or anything that is written only when it is there.
const isNullable = (field: Field) =>
  !field.required && (field.zero === 'keep' || ['array', 'map'].includes(field.schema.type))

function fieldArbitrary(field: Field, depth: number): fc.Arbitrary<unknown> {
  const value = valueArbitrary(field.schema, depth)
  return keepsZero(field) ? value : value.map((item) => (isZero(field.schema, item) ? undefined : item))
}

function valueArbitrary(schema: Schema, depth: number): fc.Arbitrary<unknown> {
  switch (schema.type) {
    case 'object':
      return depth === 0
        ? fc.constant({}).map(() => minimal(schema as ObjectSchema))
        : objectArbitrary(schema as ObjectSchema, depth - 1)
    case 'array':
      return fc.array(valueArbitrary((schema as ArraySchema).items, Math.max(0, depth - 1)), {
        minLength: 1,
        maxLength: 2,
      })
    case 'map':
      return fc.dictionary(
        fc.string({ minLength: 1, maxLength: 3 }).filter((key) => key !== '__proto__'),
        valueArbitrary((schema as MapSchema).values, 1),
        { minKeys: 1, maxKeys: 2, noNullPrototype: true },
      )
    case 'integer':
      return fc.integer()
    case 'number':
      return fc.double({ noNaN: true })
    case 'boolean':
      return fc.boolean()
    case 'intOrString':
      return fc.oneof(fc.integer(), fc.string())
    case 'quantity':
      return fc.constantFrom('100m', '1Gi', '2')
    case 'time':
      return fc
        .integer({ min: 1, max: 4e9 })
        .map((seconds) => new Date(seconds * 1000).toISOString().replace('.000', ''))
    case 'microTime':
      return fc
        .integer({ min: 1, max: 4e9 })
        .map((seconds) => new Date(seconds * 1000).toISOString().replace('000Z', '123456Z'))
    case 'bytes':
      return fc.uint8Array({ minLength: 1, maxLength: 4 }).map((bytes) => Buffer.from(bytes).toString('base64'))
    case 'raw':
    case 'fieldsV1':
      return fc.constantFrom({ 'f:spec': {} }, { a: [1, 'b'] })
    default:
      return fc.string({ minLength: 1 })
  }
}

/** What an encoder cannot leave out of a message. */
function minimal(schema: ObjectSchema): Json {
  const fields = Object.entries(schema.fields).filter(
    ([, field]) => field.tag !== 0 && keepsZero(field) && !isNullable(field),
  )
  return Object.fromEntries(
    fields.map(([name, field]) => [name, zero(field.schema)]).filter(([, value]) => value !== undefined),
  )
}

function zero(schema: Schema): unknown {
  switch (schema.type) {
    case 'object':
      return minimal(schema as ObjectSchema)
    case 'integer':
    case 'intOrString':
    case 'number':
      return 0
    case 'boolean':
      return false
    case 'quantity':
      return '0'
    case 'string':
      return ''
    default:
      return undefined
  }
}

/** What Go writes for a plain field that nobody set. */
function isZero(schema: Schema, value: unknown): boolean {
  if (schema.type === 'object') {
    const { fields } = schema as ObjectSchema
    const isUnset = ([name, item]: [string, unknown]) => {
      const field = fields[name]
      return field !== undefined && field.zero !== 'keep' && isZero(field.schema, item)
    }
    return Object.entries(value as Json).every(isUnset)
  }
  return value === '' || value === 0 || value === false
}

const dropUndefined = (value: Json): Json =>
  Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined))

// ---- the encoder: plain scalars and structs are written even when they are zero, as Go does

function encodeMessage(schema: ObjectSchema, value: Json): Buffer {
  const entries = Object.entries(schema.fields).filter(([, field]) => field.tag !== 0)
  const own = entries
    .filter(([, field]) => field.via === undefined)
    .map(([name, field]) => encodeField(field, value[name]))
  const embedded = Map.groupBy(
    entries.filter(([, field]) => field.via !== undefined),
    ([, field]) => field.via ?? 0,
  )
  const inner = [...embedded].map(([tag, fields]) =>
    lengthPrefixed(tag, Buffer.concat(fields.map(([name, field]) => encodeField(field, value[name])))),
  )
  return Buffer.concat([...inner, ...own])
}

function encodeField(field: Field, value: unknown): Buffer {
  const { tag, schema } = field
  if (schema.type === 'array') {
    const items = (schema as ArraySchema).items
    return Buffer.concat(((value ?? []) as unknown[]).map((item) => encodeValue(tag, items, item)))
  }
  if (schema.type === 'map') {
    const entries = Object.entries((value ?? {}) as Json)
    const encode = ([key, item]: [string, unknown]) =>
      lengthPrefixed(
        tag,
        Buffer.concat([lengthPrefixed(1, Buffer.from(key)), encodeMapValue((schema as MapSchema).values, item)]),
      )
    return Buffer.concat(entries.map(encode))
  }
  const written = value ?? (field.zero === 'keep' && !field.required ? undefined : plainZero(schema))
  return written === undefined ? Buffer.alloc(0) : encodeValue(tag, schema, written)
}

function encodeMapValue(schema: Schema, item: unknown): Buffer {
  if (schema.type !== 'array') return encodeValue(2, schema, item)
  const items = (item as unknown[]).map((inner) => encodeValue(1, (schema as ArraySchema).items, inner))
  return lengthPrefixed(2, Buffer.concat(items))
}

function plainZero(schema: Schema): unknown {
  return schema.type === 'time' || schema.type === 'microTime' ? '' : schema.type === 'object' ? {} : zero(schema)
}

function encodeValue(tag: number, schema: Schema, value: unknown): Buffer {
  switch (schema.type) {
    case 'integer':
      return encodeInteger(tag, value as number)
    case 'boolean':
      return encodeInteger(tag, value === true ? 1 : 0)
    case 'number': {
      const bytes = Buffer.alloc(8)
      bytes.writeDoubleLE(value as number)
      return Buffer.concat([varint(BigInt((tag << 3) | 1)), bytes])
    }
    case 'object':
      return lengthPrefixed(tag, encodeMessage(schema as ObjectSchema, value as Json))
    case 'intOrString':
      return lengthPrefixed(
        tag,
        Buffer.concat([
          encodeInteger(1, typeof value === 'string' ? 1 : 0),
          encodeInteger(2, typeof value === 'string' ? 0 : (value as number)),
          lengthPrefixed(3, Buffer.from(typeof value === 'string' ? value : '')),
        ]),
      )
    case 'time':
    case 'microTime':
      return lengthPrefixed(tag, encodeTime(value as string))
    case 'quantity':
      return lengthPrefixed(tag, lengthPrefixed(1, Buffer.from(value as string)))
    case 'raw':
    case 'fieldsV1':
      return lengthPrefixed(tag, lengthPrefixed(1, Buffer.from(JSON.stringify(value))))
    case 'bytes':
      return lengthPrefixed(tag, Buffer.from(value as string, 'base64'))
    default:
      return lengthPrefixed(tag, Buffer.from(value as string))
  }
}

function encodeTime(value: string): Buffer {
  if (value === '') return Buffer.alloc(0)
  const nanos = Number((value.split('.')[1] ?? '0').replace('Z', '').padEnd(9, '0'))
  return Buffer.concat([encodeInteger(1, Math.floor(Date.parse(value) / 1000)), encodeInteger(2, nanos)])
}

function encodeInteger(tag: number, value: number): Buffer {
  return Buffer.concat([varint(BigInt(tag << 3)), varint(BigInt.asUintN(64, BigInt(value)))])
}

function lengthPrefixed(tag: number, body: Buffer): Buffer {
  return Buffer.concat([varint(BigInt((tag << 3) | 2)), varint(BigInt(body.length)), body])
}

function varint(value: bigint): Buffer {
  const bytes: number[] = []
  let rest = value
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  }
  return Buffer.from([...bytes, Number(rest)])
}

test('refuses a quantity that is none', () => {
  const quota = kinds.find(({ kind }) => kind === 'ResourceQuota')!
  const bytes = encodeMessage(quota.schema, { spec: { hard: { services: 'much' } } })
  assert.throws(
    () => decodeMessage(quota.schema, bytes),
    (error) => error instanceof ProtobufError && /quantities must match/.test(error.message),
  )
})
