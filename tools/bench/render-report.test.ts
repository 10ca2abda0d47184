import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Goal, isMet, pairRatios, type Unit } from './benchmark.ts'
import { renderReport, renderTable } from './render-report.ts'
import { quantile, single, summarize } from './statistics.ts'

test('a table lines up, says goals and what could not be measured', () => {
  const table = renderTable([
    { what: 'start', unit: 'ms', measured: summarize([812.4, 790, 1003]), goal: { atMost: 600 } },
    {
      what: 'answer',
      unit: '×',
      measured: single(0.9),
      goal: { atMost: 1 },
      cpuPerOperation: { value: 2.5, unit: 'µs' },
    },
    { what: 'idle', unit: '%', measured: single(0.25) },
    { what: 'names', notMeasured: 'Unbound is not installed' },
  ])
  assert.equal(
    table,
    [
      '|        |     goal |                                 result |        | lowest | highest | samples |     CPU |',
      '| ------ | -------: | -------------------------------------: | -----: | -----: | ------: | ------: | ------: |',
      '| start  | ≤ 600 ms |                                 812 ms | missed |    790 |    1003 |       3 |         |',
      '| answer |    ≤ 1 × |                                 0.90 × |    met |   0.90 |    0.90 |       1 | 2.50 µs |',
      '| idle   |          |                                 0.25 % |        |   0.25 |    0.25 |       1 |         |',
      '| names  |          | not measured: Unbound is not installed |        |        |         |       0 |         |',
    ].join('\n'),
  )
})

test('the page has the set-up, and each benchmark with its method', () => {
  const benchmark = { title: 'Names', method: 'Asked again and again.' }
  const page = renderReport({ setUp: ['2 cores'], sections: [{ benchmark, lines: [] }] })
  assert.match(page, /\n- 2 cores\n\n## Names\n\nAsked again and again\.\n\n\| /)
})

const goals: readonly (readonly [Goal, number, boolean])[] = [
  [{ atMost: 3 }, 3, true],
  [{ atMost: 3 }, 3.1, false],
  [{ atLeast: 100 }, 100, true],
  [{ atLeast: 100 }, 99, false],
]
for (const [goal, value, expected] of goals) {
  test(`${JSON.stringify(goal)} and ${value}`, () => {
    const unit: Unit = '×'
    assert.equal(isMet({ what: '', unit, measured: single(value), goal }), expected)
  })
}

const summaries: readonly (readonly [string, readonly number[], number])[] = [
  ['one value', [3], 3],
  ['an odd number of values', [9, 1, 5], 5],
  ['an even number of values: between the middle two', [4, 1, 3, 2], 2.5],
]
for (const [name, values, median] of summaries) {
  test(`median of ${name}`, () => assert.equal(summarize(values).median, median))
}

const hundred = Array.from({ length: 100 }, (_, index) => index + 1)
const quantiles: readonly (readonly [readonly number[], number, number])[] = [
  [hundred, 0.5, 50],
  [hundred, 0.99, 99],
  [[7], 0.99, 7],
  [[7, 3], 0, 3],
]
for (const [values, share, expected] of quantiles) {
  test(`quantile ${share} of ${values.length}`, () => assert.equal(quantile(values, share), expected))
}

test('ratios are made pair by pair', () => {
  assert.deepEqual(pairRatios([2, 30, 8], [1, 10, 2]), { median: 3, min: 2, max: 4, count: 3 })
})

test('nothing measured is no summary', () => {
  assert.throws(() => summarize([]), /nothing was measured/)
})
