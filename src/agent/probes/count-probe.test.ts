import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countResult, noResults } from './count-probe.ts'

const cases = [
  { name: 'one success is enough', results: [true], success: 1, failure: 3, verdict: true },
  {
    name: 'failures below the threshold decide nothing',
    results: [false, false],
    success: 1,
    failure: 3,
    verdict: undefined,
  },
  { name: 'at the threshold they do', results: [true, false, false, false], success: 1, failure: 3, verdict: false },
  {
    name: 'a success in between starts the count again',
    results: [true, false, false, true, false],
    success: 1,
    failure: 3,
    verdict: true,
  },
  {
    name: 'several successes can be asked for',
    results: [false, true, false, true, true],
    success: 2,
    failure: 1,
    verdict: true,
  },
]
for (const { name, results, success, failure, verdict } of cases) {
  test(name, () => {
    const count = results.reduce((sum, result) => countResult(sum, result, { success, failure }), noResults)
    assert.equal(count.verdict, verdict)
  })
}
