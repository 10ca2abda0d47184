import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { packetCases } from './cases/all.ts'
import { coverageOf, rows } from './coverage.ts'
import { decisionsFor, frontEnds, policies, type Source } from './decision-table.ts'
import { promisesOf, renderTruthTable } from './render-truth-table.ts'
import { caseOf } from './translate-to-ipv6.ts'

const page = readFileSync(new URL('../../../docs/truth-table.md', import.meta.url), 'utf8')

test('docs/truth-table.md tells the cases as they are (npm run truth-table)', () => {
  assert.deepEqual(promisesOf(page), promisesOf(renderTruthTable(packetCases, [])))
})

test('docs/truth-table.md shows nothing that fails', () => {
  const cells = page.split('\n').flatMap((text) => (text.startsWith('| ') ? text.split(' | ').slice(2) : []))
  const results = new Set(cells.map((cell) => cell.replace(/ \|$/, '')))
  assert.deepEqual(
    [...results].filter((result) => !['pass', '–', '---'].includes(result) && !isColumn(result)),
    [],
  )
})

const isColumn = (text: string): boolean => /^\w+, IPv[46]$/.test(text)

test('at least 200 cases, each with its own name, that cover every row and field', () => {
  assert.ok(packetCases.length >= 200, String(packetCases.length))
  assert.equal(new Set(packetCases.map(({ name }) => name)).size, packetCases.length)
  assert.deepEqual(coverageOf(packetCases), {
    uncoveredRows: [],
    uncoveredFields: [],
    unknownTags: [],
  })
})

test('each missing row is noticed', () => {
  for (const row of rows) {
    const without = packetCases.filter(({ covers }) => !covers.includes(row))
    assert.ok(coverageOf(without).uncoveredRows.includes(row), row)
  }
})

for (const field of ['sessionAffinityConfig', 'loadBalancerSourceRanges', 'externalIPs'] as const) {
  test(`a missing field is noticed: ${field}`, () => {
    const without = packetCases.filter(
      ({ steps }) => !steps.some(({ services }) => services.some(({ spec }) => field in spec)),
    )
    assert.deepEqual(coverageOf(without).uncoveredFields, [field])
  })
}

test('every situation has exactly one decision', () => {
  for (const front of frontEnds) {
    for (const policy of policies) {
      for (const source of ['pod', 'node', 'outside'] as const satisfies readonly Source[]) {
        for (const [hasC, hasL] of [
          [false, false],
          [true, false],
          [true, true],
        ] as const) {
          const situation = { front, policy, source, hasC, hasL }
          assert.equal(decisionsFor(situation).length, 1, JSON.stringify(situation))
        }
      }
    }
  }
})

test('in IPv6 no IPv4 address is left', () => {
  for (const one of packetCases) assert.doesNotMatch(JSON.stringify(caseOf('IPv6', one) ?? ''), /\d+\.\d+\.\d+\.\d+/)
})
