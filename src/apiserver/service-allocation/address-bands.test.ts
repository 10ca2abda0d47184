import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCidr } from '#lib/ip.ts'
import { addressBand, bandAddress, candidates, nodePortBand } from './address-bands.ts'

const ranges = [
  { cidr: '10.96.0.0/16', first: '10.96.0.1', dynamicFrom: '10.96.1.1', last: '10.96.255.254' },
  { cidr: '10.0.0.0/24', first: '10.0.0.1', dynamicFrom: '10.0.0.17', last: '10.0.0.254' },
  { cidr: '10.0.0.0/28', first: '10.0.0.1', dynamicFrom: '10.0.0.1', last: '10.0.0.14' },
  { cidr: '10.0.0.0/20', first: '10.0.0.1', dynamicFrom: '10.0.1.1', last: '10.0.15.254' },
  { cidr: 'fd00::/112', first: 'fd00::1', dynamicFrom: 'fd00::101', last: 'fd00::ffff' },
]

for (const { cidr, ...expected } of ranges) {
  test(`bands of ${cidr}`, () => {
    const parsed = parseCidr(cidr)!
    const band = addressBand(parsed)
    const text = (value: bigint) => bandAddress(parsed.base.family, value)
    assert.deepEqual({ first: text(band.first), dynamicFrom: text(band.dynamicFrom), last: text(band.last) }, expected)
  })
}

test('node ports: 86 are left to those who ask', () => {
  assert.deepEqual(nodePortBand(30_000, 32_767), { first: 30_000n, last: 32_767n, dynamicFrom: 30_086n })
})

test('every number is offered once, the upper band first', () => {
  const band = { first: 1n, last: 8n, dynamicFrom: 4n }
  const offered = [
    ...candidates(
      band,
      () => 0.5,
      () => false,
    ),
  ]
  assert.deepEqual(offered, [6n, 7n, 8n, 4n, 5n, 2n, 3n, 1n])
})

test('what is taken is passed over', () => {
  const band = { first: 1n, last: 4n, dynamicFrom: 1n }
  assert.deepEqual(
    [
      ...candidates(
        band,
        () => 0,
        (value) => value !== 3n,
      ),
    ],
    [3n],
  )
})
