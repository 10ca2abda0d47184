import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAddressPool, poolAddress, poolContains, poolsOverlap } from './address-pool.ts'

const cases = [
  ['a prefix', '172.30.128.0/24', '172.30.128.1', '172.30.128.254', ['172.30.128.0/24']],
  ['a prefix written with an address in it', '10.0.0.7/30', '10.0.0.5', '10.0.0.6', ['10.0.0.4/30']],
  ['two addresses', '10.0.0.4/31', '10.0.0.4', '10.0.0.5', ['10.0.0.4/31']],
  ['one address', '10.0.0.4/32', '10.0.0.4', '10.0.0.4', ['10.0.0.4/32']],
  ['a range', '10.0.0.3-10.0.0.8', '10.0.0.3', '10.0.0.8', ['10.0.0.3/32', '10.0.0.4/30', '10.0.0.8/32']],
  ['a range with spaces', '10.0.0.1 - 10.0.0.1', '10.0.0.1', '10.0.0.1', ['10.0.0.1/32']],
  ['everything', '0.0.0.0-255.255.255.255', '0.0.0.0', '255.255.255.255', ['0.0.0.0/0']],
  ['IPv6', 'fd00::/126', 'fd00::1', 'fd00::3', ['fd00::/126']],
] as const

test('pools are read as written', () => {
  for (const [name, text, first, last, cidrs] of cases) {
    const pool = parseAddressPool(text)
    assert.ok(pool, name)
    assert.deepEqual([poolAddress(pool, pool.first), poolAddress(pool, pool.last)], [first, last], name)
    assert.deepEqual(pool.cidrs, cidrs, name)
  }
})

test('what is no pool is refused', () => {
  for (const text of ['', '10.0.0.1', '10.0.0.9-10.0.0.1', '10.0.0.1-fd00::1', '10.0.0.0/33', '1-2-3', 'a-b']) {
    assert.equal(parseAddressPool(text), undefined, text)
  }
})

test('membership and overlap', () => {
  const pool = parseAddressPool('10.0.0.4-10.0.0.8')!
  for (const [ip, expected] of [
    ['10.0.0.4', true],
    ['10.0.0.8', true],
    ['10.0.0.3', false],
    ['10.0.0.9', false],
    ['fd00::4', false],
    ['x', false],
  ] as const) {
    assert.equal(poolContains(pool, ip), expected, ip)
  }
  assert.ok(poolsOverlap(pool, parseAddressPool('10.0.0.8-10.0.0.12')!))
  assert.ok(!poolsOverlap(pool, parseAddressPool('10.0.0.9-10.0.0.12')!))
})
