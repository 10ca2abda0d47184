import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Element } from './elements.ts'
import type { PlanUnit } from './plan-elements.ts'
import { planTransactions } from './plan-transactions.ts'

const slot = (number: number, port = 80): Element => ({
  map: 'slots',
  list: 1,
  slot: number,
  address: '10.0.0.1',
  port,
})
const list = (count: number): Element => ({ map: 'lists', list: 1, count, affinitySeconds: 0, comment: 'a/b:/TCP' })
const adds = (...elements: Element[]): PlanUnit => ({ removes: [], adds: elements })
const count = (transaction: readonly PlanUnit[]) => transaction.reduce((sum, unit) => sum + unit.adds.length, 0)

test('nothing to do: no transaction', () => assert.deepEqual([...planTransactions([], 1000)], []))

test('units stay whole and in order', () => {
  const units = [adds(slot(0), slot(1)), adds(slot(2), slot(3)), adds(slot(4))]
  assert.deepEqual([...planTransactions(units, 64 * 3)], [[units[0]], [units[1], units[2]]])
})

test('a long new list: its slots come before its length', () => {
  const slots = Array.from({ length: 10 }, (_, index) => slot(index))
  const transactions = [...planTransactions([adds(...slots, list(10))], 64 * 4)]
  assert.deepEqual(transactions.map(count), [4, 4, 3])
  assert.deepEqual(transactions.at(-1)?.[0]?.adds.at(-1), list(10))
})

test('a long list replaced and shortened: pairs stay together, the end goes last', () => {
  const before = Array.from({ length: 6 }, (_, index) => slot(index))
  const after = [slot(0, 81), slot(1, 81), slot(2, 81)]
  const unit = { removes: [...before, list(6)], adds: [...after, list(3)] }
  const steps = [...planTransactions([unit], 64 * 4)].flat()
  assert.deepEqual(
    steps.map(({ removes, adds: added }) => [removes.length, added.length]),
    [
      [2, 2],
      [1, 1],
      [2, 1],
      [2, 0],
    ],
  )
  assert.deepEqual(steps[2], { removes: [list(6), slot(3)], adds: [list(3)] })
})
