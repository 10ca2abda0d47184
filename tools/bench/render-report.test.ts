import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renderTable } from './render-report.ts'
import { summarize } from './statistics.ts'

test('a table lines up and says the aim as given', () => {
  const table = renderTable([
    { what: 'start', unit: 'ms', measured: summarize([812.4, 790, 1003]), aim: '600 ms' },
    { what: 'idle', unit: '%', measured: summarize([0.25]) },
  ])
  assert.equal(
    table,
    [
      '|       | median | lowest | highest | samples |    aim |',
      '| ----- | -----: | -----: | ------: | ------: | -----: |',
      '| start | 812 ms |    790 |    1003 |       3 | 600 ms |',
      '| idle  | 0.25 % |   0.25 |    0.25 |       1 |        |',
    ].join('\n'),
  )
})

const summaries: readonly (readonly [string, readonly number[], number])[] = [
  ['one value', [3], 3],
  ['an odd number of values', [9, 1, 5], 5],
  ['an even number of values: between the middle two', [4, 1, 3, 2], 2.5],
]
for (const [name, values, median] of summaries) {
  test(`median of ${name}`, () => assert.equal(summarize(values).median, median))
}

test('nothing measured is no summary', () => {
  assert.throws(() => summarize([]), /nothing was measured/)
})
