import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { packetCases } from './cases/all.ts'
import { decisionsFor, frontEnds, policies, type Source } from './decision-table.ts'
import { parseColumns, renderTruthTable } from './render-truth-table.ts'
import { rowGroups } from './rows/all.ts'
import { caseOf } from './translate-to-ipv6.ts'

const page = readFileSync(new URL('../../../docs/truth-table.md', import.meta.url), 'utf8')

test('docs/truth-table.md tells cases and rows as they are (npm run truth-table)', () => {
  assert.equal(page, renderTruthTable(packetCases, rowGroups, parseColumns(page)))
})

test('docs/truth-table.md shows every case in both families, and nothing that fails', () => {
  const columns = parseColumns(page)
  assert.deepEqual(
    columns.map(({ name }) => name),
    ['nftables, IPv4', 'nftables, IPv6'],
  )
  for (const { results } of columns) {
    assert.deepEqual(
      [...results.keys()],
      packetCases.map(({ name }) => name),
    )
    assert.deepEqual(new Set(results.values()).difference(new Set(['pass', '–'])), new Set())
  }
})

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
