import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { apiVersionOf, type Kind } from '#api/kind.ts'
import { kinds } from '#api/registry.ts'
import type { ArraySchema, MapSchema, ObjectSchema, Schema } from '#api/schema.ts'
import { silentLog } from '#observe/log.ts'
import { openTestServer } from './open-test-server.ts'

/** Values that mostly fit the schema, but leave out what is needed and hold nonsense where text or numbers go. */
function valueOf(schema: Schema, depth: number): fc.Arbitrary<unknown> {
  switch (schema.type) {
    case 'object': {
      if (depth <= 0) return fc.constant({})
      const fields = Object.entries((schema as ObjectSchema).fields).filter(([name]) => !ours.has(name))
      const values = fields.map(([name, field]) => [name, valueOf(field.schema, depth - 1)] as const)
      return fc.record(Object.fromEntries(values), { requiredKeys: [] })
    }
    case 'array':
      return fc.array(valueOf((schema as ArraySchema).items, depth - 1), { maxLength: 2 })
    case 'map':
      return fc.dictionary(nonsense, valueOf((schema as MapSchema).values, depth - 1), { maxKeys: 2 })
    case 'integer':
    case 'number':
      return fc.oneof(fc.constantFrom(0, -1, 1, 70_000), fc.constant('1'))
    case 'boolean':
      return fc.boolean()
    case 'intOrString':
      return fc.oneof(fc.integer({ min: -1, max: 70_000 }), nonsense)
    case 'raw':
    case 'fieldsV1':
      return fc.json().map((text) => JSON.parse(text) as unknown)
    default:
      return nonsense
  }
}

const ours = new Set(['apiVersion', 'kind', 'metadata'])
const nonsense = fc.constantFrom(
  '',
  'a',
  'A_b',
  '10.96.0.7',
  '300%',
  '50%',
  'None',
  'TCP',
  '2026-01-01T00:00:00Z',
  '\u0000',
)

function pathOf(kind: Kind): string {
  const root = kind.group === '' ? '/api/v1' : `/apis/${apiVersionOf(kind)}`
  return kind.namespaced ? `${root}/namespaces/default/${kind.plural}` : `${root}/${kind.plural}`
}

for (const kind of kinds) {
  test(`nonsense in ${kind.plural} is refused or stored, and never a fault`, async () => {
    const faults: unknown[] = []
    const log = { ...silentLog, error: (fields: object) => void faults.push(fields) }
    await using server = await openTestServer({ log })
    await server.call('POST', '/api/v1/namespaces', { metadata: { name: 'default' } })
    await server.call('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } })
    await fc.assert(
      fc.asyncProperty(valueOf(kind.schema, 6), valueOf(kind.schema, 6), async (first, second) => {
        const metadata = { name: 'x' }
        await server.call('POST', pathOf(kind), { ...(first as object), metadata })
        const merge = { contentType: 'application/merge-patch+json' }
        await server.call('PATCH', `${pathOf(kind)}/x`, second, merge)
        await server.call('DELETE', `${pathOf(kind)}/x`)
        assert.deepEqual(faults, [])
      }),
      { numRuns: 60, seed: 1 },
    )
  })
}
