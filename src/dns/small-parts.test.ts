import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatIp, parseCidr } from '#lib/ip.ts'
import { FrameSplitter, frame } from './frame-splitter.ts'
import { openResolvConf } from './open-resolv-conf.ts'
import { parseResolvConf } from './parse-resolv-conf.ts'
import { addressOfReverseName, isPartOfReverseName, reverseNameOf, reverseZoneOf } from './reverse-name.ts'

const files: readonly (readonly [what: string, text: string, expected: string[]])[] = [
  ['empty', '', []],
  ['in order', 'nameserver 192.0.2.1\nnameserver 192.0.2.2\n', ['192.0.2.1', '192.0.2.2']],
  [
    'other lines',
    '# nameserver 192.0.2.9\nsearch example.com\noptions ndots:2\n nameserver\t192.0.2.1  \n',
    ['192.0.2.1'],
  ],
  ['IPv6 with a zone', 'nameserver fe80::1%eth0\nnameserver 2001:DB8::1', ['fe80::1%eth0', '2001:db8::1']],
  ['nonsense', 'nameserver\nnameserver example.com\nnameserver 1.2.3\n', []],
]
for (const [what, text, expected] of files) {
  test(`resolv.conf: ${what}`, () =>
    assert.deepEqual(
      parseResolvConf(text).map(({ address }) => address),
      expected,
    ))
}

test('resolv.conf is read again when it was replaced, and looked at once a second at most', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'dns-resolv-'))
  const file = path.join(directory, 'resolv.conf')
  let nowMs = 0
  const host = openResolvConf(file, { nowMs: () => nowMs })
  const seen = (): string[] => [...host().servers.map(({ address }) => address), ...host().searches]
  assert.deepEqual(seen(), [])
  writeFileSync(`${file}.new`, 'nameserver 192.0.2.1\n')
  renameSync(`${file}.new`, file)
  assert.deepEqual(seen(), [])
  nowMs = 1000
  assert.deepEqual(seen(), ['192.0.2.1'])
  writeFileSync(`${file}.new`, 'nameserver 192.0.2.2\nsearch example.com\n')
  renameSync(`${file}.new`, file)
  nowMs = 2000
  assert.deepEqual(seen(), ['192.0.2.2', 'example.com'])
  unlinkSync(file)
  nowMs = 3000
  assert.deepEqual(seen(), [])
  rmSync(directory, { recursive: true })
})

test('frames come out as they went in, wherever the stream is cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }),
      fc.integer({ min: 1, max: 50 }),
      (messages, size) => {
        const stream = Buffer.concat(messages.map(frame))
        const splitter = new FrameSplitter()
        const out: Uint8Array[] = []
        for (let at = 0; at < stream.length; at += size) out.push(...splitter.push(stream.subarray(at, at + size)))
        assert.deepEqual(
          out.map((message) => [...message]),
          messages.map((message) => [...message]),
        )
      },
    ),
  )
})

test('reverse names lead back to their address', () => {
  const bytes = fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }))
  fc.assert(
    fc.property(bytes, (value) => {
      const address = { family: value.length === 4 ? ('IPv4' as const) : ('IPv6' as const), bytes: value }
      assert.equal(formatIp(addressOfReverseName(reverseNameOf(address))!), formatIp(address))
    }),
  )
})

const zones: readonly (readonly [range: string, zone: string])[] = [
  ['10.96.0.0/16', '96.10.in-addr.arpa'],
  ['10.96.0.0/12', '10.in-addr.arpa'],
  ['10.96.5.0/24', '5.96.10.in-addr.arpa'],
  ['fd00:96::/32', '6.9.0.0.0.0.d.f.ip6.arpa'],
  ['fd00::/10', 'd.f.ip6.arpa'],
]
for (const [range, zone] of zones) {
  test(`the reverse zone of ${range}`, () => assert.equal(reverseZoneOf(parseCidr(range)!), zone))
}

const parts: readonly (readonly [name: string, isPart: boolean])[] = [
  ['0.96.10.in-addr.arpa', true],
  ['96.10.in-addr.arpa', true],
  ['256.96.10.in-addr.arpa', false],
  ['00.96.10.in-addr.arpa', false],
  ['x.96.10.in-addr.arpa', false],
  ['1.2.3.96.10.in-addr.arpa', false],
  ['d.f.ip6.arpa', true],
  ['g.d.f.ip6.arpa', false],
  ['10.d.f.ip6.arpa', false],
]
for (const [name, isPart] of parts) {
  test(`${name} ${isPart ? 'has' : 'cannot have'} addresses below it`, () =>
    assert.equal(isPartOfReverseName(name), isPart))
}
