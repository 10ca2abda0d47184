import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { quantityValue } from './check-quantity.ts'
import { addQuantities, parseQuantity, renderQuantity, subtractQuantities } from './quantity.ts'

const canonical = [
  ['0', '0'],
  ['5', '5'],
  ['1000', '1k'],
  ['1500', '1500'],
  ['20000', '20k'],
  ['1.5', '1500m'],
  ['0.1', '100m'],
  ['1000m', '1'],
  ['2000000', '2M'],
  ['.5u', '500n'],
  ['0.0000000001', '1n'],
  ['1Gi', '1Gi'],
  ['1024Mi', '1Gi'],
  ['1536Mi', '1536Mi'],
  ['0.5Gi', '512Mi'],
  ['1000Ki', '1000Ki'],
  ['0.5Ki', '512'],
  ['1024Ei', '1024Ei'],
  ['1.1Ki', '1126400m'],
  ['1e3', '1e3'],
  ['1500e0', '1500'],
  ['1E2', '100'],
  ['-5', '-5'],
  ['+5', '5'],
  ['12E', '12E'],
] as const

describe('a quantity is shown as', () => {
  for (const [given, shown] of canonical) {
    test(`${given}: ${shown}`, () => assert.equal(renderQuantity(parseQuantity(given)), shown))
  }
  test('something that means the same', () => {
    const suffix = fc.constantFrom('', 'm', 'k', 'M', 'Ki', 'Mi', 'Gi', 'e2')
    const amount = fc.tuple(fc.integer({ min: -9999, max: 9999 }), fc.integer({ min: 0, max: 99 }), suffix)
    fc.assert(
      fc.property(amount, ([whole, fraction, end]) => {
        const quantity = parseQuantity(`${whole}.${fraction}${end}`)
        assert.equal(parseQuantity(renderQuantity(quantity)).nanos, quantity.nanos)
        const value = quantityValue(`${whole}.${fraction}${end}`)
        assert.ok(Math.abs(Number(quantity.nanos) / 1e9 - value) <= Math.abs(value) * 1e-12)
      }),
    )
  })
})

const sums = [
  ['500m', '500m', '1'],
  ['0', '1Gi', '1Gi'],
  ['512Mi', '512Mi', '1Gi'],
  ['1Gi', '1G', '2073741824'],
  ['0.1', '0.2', '300m'],
] as const

for (const [a, b, sum] of sums) {
  test(`${a} and ${b} are ${sum}, and back`, () => {
    const total = addQuantities(parseQuantity(a), parseQuantity(b))
    assert.equal(renderQuantity(total), sum)
    assert.equal(subtractQuantities(total, parseQuantity(b)).nanos, parseQuantity(a).nanos)
  })
}

test('an exponent beyond all sense costs nothing', () => {
  assert.equal(renderQuantity(parseQuantity('1e999999999')).length < 40, true)
  assert.equal(renderQuantity(parseQuantity('1e-999999999')), '1e-9')
})
