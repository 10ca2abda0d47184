import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { copyJson } from './copy-json.ts'

test('a copy is equal, and shares nothing that could change', () => {
  const shareNothing = (a: unknown, b: unknown): boolean =>
    typeof a !== 'object' ||
    a === null ||
    (a !== b && Object.entries(a).every(([key, value]) => shareNothing(value, (b as Record<string, unknown>)[key])))
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const copy = copyJson(value)
      assert.deepEqual(copy, value)
      assert.ok(shareNothing(value, copy))
    }),
  )
})

const cases: Record<string, unknown> = {
  'a key that names the prototype': JSON.parse('{"__proto__": {"a": 1}, "b": {"__proto__": "text"}}'),
  'absent values': { a: undefined, b: [undefined, null] },
}
for (const [name, value] of Object.entries(cases)) {
  test(`like structuredClone: ${name}`, () => assert.deepStrictEqual(copyJson(value), structuredClone(value)))
}
