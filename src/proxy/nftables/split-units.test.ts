import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Element } from './elements.ts'
import type { PlanUnit } from './plan-unit.ts'
import { splitLongUnits } from './split-units.ts'

const slot = (number: number, port = 80): Element => ({
  map: 'slots',
  list: 1,
  slot: number,
  address: '10.0.0.1',
  port,
})
const list = (count: number): Element => ({ map: 'lists', list: 1, count, affinitySeconds: 0, comment: 'a/b:/TCP' })
const adds = (...elements: Element[]): PlanUnit => ({ removes: [], adds: elements })
/** Room for so many elements. */
const room = (elements: number): number => 192 * elements
const lengths = (units: readonly PlanUnit[]) => units.map(({ removes, adds: added }) => [removes.length, added.length])

test('nothing to do: no unit', () => assert.deepEqual([...splitLongUnits([], 1000)], []))

test('units that fit stay as they are', () => {
  const units = [adds(slot(0), slot(1)), adds(slot(2), slot(3)), adds(slot(4))]
  assert.deepEqual([...splitLongUnits(units, room(2))], units)
})

test('a long new list: its slots come before its length, chains before all', () => {
  const slots = Array.from({ length: 10 }, (_, index) => slot(index))
  const chains = [{ count: 10, affinitySeconds: 0 }]
  const units = [...splitLongUnits([{ ...adds(...slots, list(10)), chains }], room(4))]
  assert.deepEqual(units[0]?.chains, chains)
  assert.deepEqual(lengths(units.slice(1)), [
    [0, 4],
    [0, 4],
    [0, 3],
  ])
  assert.deepEqual(units.at(-1)?.adds.at(-1), list(10))
})

test('a long list replaced and shortened: pairs stay together, the end goes last', () => {
  const before = Array.from({ length: 6 }, (_, index) => slot(index))
  const after = [slot(0, 81), slot(1, 81), slot(2, 81)]
  const unit = { removes: [...before, list(6)], adds: [...after, list(3)] }
  const units = [...splitLongUnits([unit], room(4))]
  assert.deepEqual(lengths(units), [
    [2, 2],
    [2, 2],
    [3, 0],
  ])
  assert.deepEqual(units[1], { removes: [slot(2), list(6)], adds: [slot(2, 81), list(3)] })
})
