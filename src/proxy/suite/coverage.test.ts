import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { packetCases } from './cases/all.ts'
import { coverageOf, fullCoverage, missingTests } from './coverage.ts'
import { readTestNames } from './read-test-names.ts'
import * as recorded from './recorded-tests.ts'
import { limit, row, testsOf } from './row.ts'
import { rows } from './rows/all.ts'

const root = new URL('../../../', import.meta.url)
const namesIn = (file: string) => readTestNames(new URL(file, root))
const own = testsOf('src/proxy/suite/coverage.test.ts')

test('at least 200 cases, each with its own name, that cover every row and field', () => {
  assert.ok(packetCases.length >= 200, String(packetCases.length))
  assert.equal(new Set(packetCases.map(({ name }) => name)).size, packetCases.length)
  assert.deepEqual(coverageOf(packetCases), fullCoverage)
})

test('every row has a name of its own', () => {
  const ids = rows.map(({ id }) => id)
  assert.deepEqual(
    ids.filter((id, index) => ids.indexOf(id) !== index),
    [],
  )
})

test('every test that a row names is there', async () => {
  assert.deepEqual(await missingTests(rows, namesIn), [])
})

test('what is not here is told in docs/limits.md', () => {
  const page = readFileSync(new URL('docs/limits.md', root), 'utf8').replace(/\s+/g, ' ')
  const told = rows.flatMap(({ limits }) => limits.map(({ limit: text }) => text))
  assert.deepEqual(
    told.filter((text) => !page.includes(text)),
    [],
  )
})

test('each missing proof is noticed', () => {
  for (const { id, tests, limits } of rows) {
    const without = packetCases.filter(({ covers }) => !covers.includes(id))
    const isElsewhere = tests.length + limits.length > 0
    assert.equal(coverageOf(without).unprovenRows.includes(id), !isElsewhere, id)
    const bare = [row(id, 'promised')]
    assert.deepEqual(coverageOf(without, bare).unprovenRows, [id])
  }
})

test('a tag of no row, and a field in no case and no row, are noticed', () => {
  const [first, ...others] = packetCases
  const mistaken = { ...first!, covers: [...first!.covers, 'no such row'] }
  assert.deepEqual(coverageOf([mistaken, ...others]).unknownTags, ['no such row'])
  const withoutSelector = rows.filter(({ id }) => id !== 'spec.selector')
  assert.deepEqual(coverageOf(packetCases, withoutSelector).uncoveredFields, ['selector'])
})

for (const field of ['sessionAffinityConfig', 'loadBalancerSourceRanges', 'externalIPs'] as const) {
  test(`a missing field is noticed: ${field}`, () => {
    const without = packetCases.filter(
      ({ steps }) => !steps.some(({ services }) => services.some(({ spec }) => field in spec)),
    )
    assert.deepEqual(coverageOf(without).uncoveredFields, [field])
  })
}

const named: readonly (readonly [what: string, name: string, isThere: boolean])[] = [
  ['a name as it is written', 'every row has a name of its own', true],
  ['a name out of a table', 'a missing field is noticed: externalIPs', true],
  ['a template that no table fills so', 'a missing field is noticed: ${field}', false],
  ['a name that only stands in the file', 'no such row', false],
]
for (const [what, name, isThere] of named) {
  test(`named tests: ${what}`, async () => {
    const missing = await missingTests([row('x', 'promised', limit('told'), own(name))], namesIn)
    assert.deepEqual(missing, isThere ? [] : own(name))
  })
}

test('named tests: not those that never run', () => {
  recorded.describe('group', () => {
    recorded.it('runs', () => {})
    recorded.test('runs where it can', { skip: 'no such tool' })
    recorded.test('never runs', { skip: true })
  })
  assert.deepEqual(recorded.takeNames(), ['group > runs', 'group > runs where it can'])
})
