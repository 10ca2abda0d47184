import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { jsonPatch } from './json-patch.ts'
import { mergePatch } from './merge-patch.ts'

const cases: Record<string, [target: unknown, patch: unknown, result: unknown]> = {
  'fields merge': [{ a: 1, b: { c: 1, d: 1 } }, { b: { c: 2 } }, { a: 1, b: { c: 2, d: 1 } }],
  'null removes': [{ a: 1, b: 2 }, { a: null }, { b: 2 }],
  'null for what is not there does nothing': [{}, { a: null }, {}],
  'lists are replaced': [{ a: [1, 2] }, { a: [3] }, { a: [3] }],
  'a scalar becomes an object': [{ a: 1 }, { a: { b: null, c: 1 } }, { a: { c: 1 } }],
  'a dangerous name is an ordinary field': [
    {},
    JSON.parse('{"__proto__":{"x":1}}'),
    JSON.parse('{"__proto__":{"x":1}}'),
  ],
}

describe('merge patch', () => {
  for (const [name, [target, patch, result]] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(mergePatch(target, patch), result))
  }
})

const refused: Record<string, [target: object, patch: unknown, code: number]> = {
  'a failing test': [{ a: 1 }, [{ op: 'test', path: '/a', value: 2 }], 422],
  'a path that is not there': [{}, [{ op: 'replace', path: '/a', value: 2 }], 422],
  'an index with a leading zero': [{ a: [1, 2] }, [{ op: 'remove', path: '/a/01' }], 422],
  'a name that means something to JavaScript': [{}, [{ op: 'add', path: '/__proto__/x', value: 1 }], 422],
  'an unknown operation': [{}, [{ op: 'frobnicate', path: '/a' }], 400],
  'something that is no list': [{}, { op: 'add' }, 400],
  'too many operations': [{}, Array.from({ length: 10_001 }, () => ({ op: 'test', path: '', value: {} })), 413],
}

describe('JSON patch', () => {
  test('operations run in order on a copy', () => {
    const target = { a: [1] }
    const patch = [
      { op: 'add', path: '/a/-', value: 2 },
      { op: 'move', from: '/a/0', path: '/b' },
    ]
    assert.deepEqual(jsonPatch(target, patch), { a: [2], b: 1 })
    assert.deepEqual(target, { a: [1] })
  })
  for (const [name, [target, patch, code]] of Object.entries(refused)) {
    test(`refuses ${name}`, () => {
      assert.throws(
        () => jsonPatch(target, patch),
        (error) => (error as { code?: number }).code === code,
      )
    })
  }
})
