import assert from 'node:assert/strict'
import { test } from 'node:test'
import { joinCommitted } from './join-committed.ts'

const cases = [
  {
    name: 'one proxy',
    count: 1,
    told: [
      [0, 0],
      [0, 7],
    ],
    published: [0, 7],
  },
  { name: 'nobody speaks for the other', count: 2, told: [[0, 5]], published: [] },
  {
    name: 'the slower one counts',
    count: 2,
    told: [
      [0, 5],
      [1, 3],
      [1, 9],
    ],
    published: [3, 5],
  },
  {
    name: 'what is known is not said again',
    count: 2,
    told: [
      [0, 5],
      [1, 5],
      [0, 6],
      [1, 5],
    ],
    published: [5],
  },
] as const

for (const { name, count, told, published } of cases) {
  test(`committed routes of several proxies: ${name}`, () => {
    const seen: number[] = []
    const tell = joinCommitted((version) => seen.push(version), count)
    for (const [proxy, version] of told) tell[proxy]!(version)
    assert.deepEqual(seen, published)
  })
}
