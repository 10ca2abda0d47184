import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeObject } from './decode-object.ts'
import { applyDefaults } from './default-object.ts'
import type { KubeObject } from './meta.ts'
import { findKind, findKindByPlural, kinds } from './registry.ts'
import type { ArraySchema, MapSchema, ObjectSchema, Schema, StringSchema } from './schema.ts'

for (const kind of kinds) {
  test(`${kind.kind}: no body of the right types makes a rule throw`, () => {
    const bodies = objectArbitrary(kind.schema, 4)
    const property = fc.property(bodies, bodies, (json, old) => {
      const object = admitted(json)
      for (const before of [undefined, admitted(old)]) {
        kind.prepare?.(object, before)
        const context = before === undefined ? {} : { before }
        assert.ok(Array.isArray(kind.validate(object, context)))
        assert.ok(Array.isArray(kind.validate(object, { ...context, subresource: 'status' })))
        assert.ok(Array.isArray(kind.warnings?.(object, before) ?? []))
      }
      for (const read of Object.values(kind.selectableFields)) assert.equal(typeof read(object), 'string')
    })
    fc.assert(property, { numRuns: 15 })

    function admitted(json: unknown): KubeObject {
      const { value, unknown, errors } = decodeObject(kind.schema, json)
      assert.deepEqual([unknown, errors], [[], []])
      applyDefaults(kind, value)
      return value
    }
  })
}

test('kinds are found by path and by what they say they are', () => {
  for (const kind of kinds) {
    const apiVersion = kind.group === '' ? kind.version : `${kind.group}/${kind.version}`
    assert.equal(findKindByPlural(kind.group, kind.version, kind.plural), kind)
    assert.equal(findKind(apiVersion, kind.kind), kind)
  }
  assert.equal(findKind('v1', 'Nothing'), undefined)
})

/** Every field may be absent, required or not. */
function objectArbitrary(schema: ObjectSchema, depth: number): fc.Arbitrary<Record<string, unknown>> {
  const shape = Object.entries(schema.fields).map(([name, field]) => [name, valueArbitrary(field.schema, depth)])
  const arbitraries = Object.fromEntries(shape) as Record<string, fc.Arbitrary<unknown>>
  return fc.record(arbitraries, { requiredKeys: [], noNullPrototype: true })
}

const words = fc.constantFrom('', 'a', 'None', 'ClusterIP', '10.0.0.1', 'x'.repeat(70), '-', '2001:db8::1', '50%', 'In')

function valueArbitrary(schema: Schema, depth: number): fc.Arbitrary<unknown> {
  switch (schema.type) {
    case 'object':
      return depth === 0 ? fc.constant({}) : objectArbitrary(schema as ObjectSchema, depth - 1)
    case 'array':
      return fc.array(valueArbitrary((schema as ArraySchema).items, Math.max(0, depth - 1)), { maxLength: 2 })
    case 'map':
      return fc.dictionary(words, valueArbitrary((schema as MapSchema).values, 0), {
        maxKeys: 2,
        noNullPrototype: true,
      })
    case 'string':
      return fc.oneof(words, fc.constantFrom(...((schema as StringSchema).enum ?? ['a'])))
    case 'integer':
      return fc.integer({ min: -1, max: 70000 })
    case 'number':
      return fc.double({ noNaN: true })
    case 'boolean':
      return fc.boolean()
    case 'intOrString':
      return fc.oneof(fc.integer({ min: -1, max: 9 }), words)
    case 'quantity':
      return fc.constantFrom('0', '100m', '-1', '1Gi')
    case 'time':
    case 'microTime':
      return fc.constant('2026-11-20T12:00:00Z')
    case 'bytes':
      return fc.constantFrom('', 'eA==')
    default:
      return fc.constantFrom({}, { a: 1 })
  }
}
