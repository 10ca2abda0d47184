import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  cidrContains,
  formatCidr,
  formatIp,
  ipFromBigInt,
  ipToBigInt,
  ipv4Word,
  nthAddress,
  parseCidr,
  parseIp,
} from './ip.ts'

const canonical = [
  ['10.0.0.1', '10.0.0.1'],
  ['0.0.0.0', '0.0.0.0'],
  ['::', '::'],
  ['::1', '::1'],
  ['2001:db8::', '2001:db8::'],
  ['2001:0DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['1:0:2:0:3:0:4:0', '1:0:2:0:3:0:4:0'],
  ['::ffff:10.0.0.1', '::ffff:a00:1'],
] as const

for (const [text, expected] of canonical) {
  test(`address ${text} is ${expected}`, () => assert.equal(formatIp(parseIp(text)!), expected))
}

const wrong = [
  '',
  '1.2.3',
  '1.2.3.256',
  '01.2.3.4',
  '1.2.3.4.5',
  '1:2',
  ':::',
  '1::2::3',
  '12345::',
  '::1.2.3',
  '1:2:3:4:5:6:7:8:9',
]

for (const text of wrong) {
  test(`no address: ${JSON.stringify(text)}`, () => assert.equal(parseIp(text), undefined))
}

const membership = [
  ['10.96.0.0/16', '10.96.255.255', true],
  ['10.96.0.0/16', '10.97.0.0', false],
  ['10.96.0.7/32', '10.96.0.7', true],
  ['0.0.0.0/0', '1.2.3.4', true],
  ['0.0.0.0/0', '::1', false],
  ['fd00::/9', 'fd7f::1', true],
  ['fd00::/9', 'fd80::1', false],
] as const

for (const [range, address, expected] of membership) {
  test(`${address} is ${expected ? '' : 'not '}in ${range}`, () => {
    assert.equal(cidrContains(parseCidr(range)!, parseIp(address)!), expected)
  })
}

for (const text of ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/08', 'x/8', '::/129']) {
  test(`no range: ${text}`, () => assert.equal(parseCidr(text), undefined))
}

test('ranges keep their text', () => assert.equal(formatCidr(parseCidr('fd00::1:0/112')!), 'fd00::1:0/112'))

test('addresses count upwards from the base of the range', () => {
  assert.equal(nthAddress(parseCidr('10.96.0.9/16')!, 10), '10.96.0.10')
  assert.equal(nthAddress(parseCidr('10.96.0.0/16')!, 256), '10.96.1.0')
})

test('text and number stand for the same address', () => {
  const bits = fc.oneof(
    fc.tuple(fc.constant('IPv4' as const), fc.bigInt(0n, 2n ** 32n - 1n)),
    fc.tuple(fc.constant('IPv6' as const), fc.bigInt(0n, 2n ** 128n - 1n)),
  )
  fc.assert(
    fc.property(bits, ([family, value]) => {
      const text = formatIp(ipFromBigInt(family, value))
      assert.equal(ipToBigInt(parseIp(text)!), value)
      assert.equal(parseIp(text)!.family, family)
    }),
  )
})

test('an IPv4 address as one number: the same bytes, the first lowest', () => {
  fc.assert(
    fc.property(fc.ipV4(), (text) => {
      const { bytes } = parseIp(text)!
      assert.equal(ipv4Word(text), new DataView(bytes.buffer).getInt32(0, true))
    }),
  )
  for (const text of ['', '10.0.0', '10.0.0.0.1', '10.0.0.256', '10.0.256.0', '10.0.0.a', 'fd00::1']) {
    assert.throws(() => ipv4Word(text), /Cannot read an IPv4 address/, text)
  }
})
