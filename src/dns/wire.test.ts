import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as dnsPacket from 'dns-packet'
import fc from 'fast-check'
import { formatIp } from '#lib/ip.ts'
import { decodeHeader, decodeMessage } from './decode-message.ts'
import { encodeMessage } from './encode-message.ts'
import type { DnsMessage, ResourceRecord } from './message.ts'

const plain = <T extends object>(shape: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(shape, { noNullPrototype: true }) as fc.Arbitrary<T>
const uint8 = fc.integer({ min: 0, max: 255 })
const uint16 = fc.integer({ min: 0, max: 0xffff })
const uint32 = fc.integer({ min: 0, max: 0xffffffff })

/** Any bytes, escaped as names are; small alphabets too, so that suffixes are shared and compression happens. */
const label = fc.oneof(
  fc.constantFrom('a', 'B', 'svc', 'cluster', 'local', '_http', '_tcp'),
  fc.uint8Array({ minLength: 1, maxLength: 63 }).map((bytes) =>
    [...bytes]
      .map((byte) => {
        const char = String.fromCharCode(byte)
        if (char === '.' || char === '\\') return `\\${char}`
        return byte > 0x20 && byte < 0x7f ? char : `\\${String(byte).padStart(3, '0')}`
      })
      .join(''),
  ),
)
const name = fc.array(label, { maxLength: 3 }).map((labels) => labels.join('.'))
const ipv4 = fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => formatIp({ family: 'IPv4', bytes }))
const ipv6 = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => formatIp({ family: 'IPv6', bytes }))
const byteText = fc.array(uint8, { maxLength: 255 }).map((bytes) => String.fromCharCode(...bytes))

const data = fc.oneof(
  plain({ type: fc.constant('A' as const), address: ipv4 }),
  plain({ type: fc.constant('AAAA' as const), address: ipv6 }),
  plain({ type: fc.constantFrom('NS' as const, 'CNAME' as const, 'PTR' as const), target: name }),
  plain({ type: fc.constant('MX' as const), preference: uint16, exchange: name }),
  plain({ type: fc.constant('SRV' as const), priority: uint16, weight: uint16, port: uint16, target: name }),
  plain({ type: fc.constant('TXT' as const), texts: fc.array(byteText, { maxLength: 3 }) }),
  plain({
    type: fc.constant('SOA' as const),
    mname: name,
    rname: name,
    serial: uint32,
    refresh: uint32,
    retry: uint32,
    expire: uint32,
    minimum: uint32,
  }),
  plain({
    type: fc.constant('OTHER' as const),
    code: fc.integer({ min: 256, max: 0xffff }),
    data: fc.uint8Array({ maxLength: 40 }),
  }),
)
const record = fc.tuple(name, uint32, data).map(([owner, ttlSeconds, rest]): ResourceRecord => ({
  name: owner,
  ttlSeconds,
  ...rest,
}))
const records = fc.array(record, { maxLength: 4 })
const flag = fc.boolean()

const message: fc.Arbitrary<DnsMessage> = fc
  .tuple(
    plain({
      id: uint16,
      isResponse: flag,
      opcode: fc.integer({ min: 0, max: 15 }),
      authoritative: flag,
      truncated: flag,
      recursionDesired: flag,
      recursionAvailable: flag,
      authenticData: flag,
      checkingDisabled: flag,
      questions: fc.array(plain({ name, type: uint16, class: uint16 }), { maxLength: 2 }),
      answers: records,
      authorities: records,
      additionals: records,
    }),
    fc.option(plain({ udpPayloadSize: uint16, version: uint8, dnssecOk: flag })),
    fc.integer({ min: 0, max: 0xfff }),
  )
  .map(([fields, edns, rcode]) => ({
    ...fields,
    rcode: edns ? rcode : rcode & 15,
    ...(edns && { edns }),
  }))

test('what is encoded decodes to the same message', () => {
  fc.assert(
    fc.property(message, (value) => {
      assert.deepEqual(decodeMessage(encodeMessage(value)), value)
    }),
    { numRuns: 300 },
  )
})

test('a message never exceeds the size asked for, and TC tells of missing answers', () => {
  fc.assert(
    fc.property(message, fc.integer({ min: 512, max: 1400 }), (value, maxBytes) => {
      const questionsOnly = encodeMessage({ ...value, answers: [], authorities: [], additionals: [] })
      const packet = encodeMessage(value, maxBytes)
      assert.ok(packet.length <= Math.max(maxBytes, questionsOnly.length))
      const decoded = decodeMessage(packet)!
      const isWhole =
        decoded.answers.length === value.answers.length && decoded.authorities.length === value.authorities.length
      assert.equal(decoded.truncated, value.truncated || !isWhole)
      assert.deepEqual(decoded.edns, value.edns)
    }),
    { numRuns: 200 },
  )
})

test('arbitrary bytes never throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      decodeHeader(bytes)
      decodeMessage(bytes)
    }),
    { numRuns: 2000 },
  )
})

test('damaged packets never throw, and what decodes can be encoded again', () => {
  const damage = fc.array(fc.tuple(fc.nat(2000), uint8), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(message, damage, fc.nat(2000), (value, edits, cutAt) => {
      const packet = Uint8Array.from(encodeMessage(value))
      for (const [at, byte] of edits) packet[at % packet.length] = byte
      const decoded = decodeMessage(packet)
      if (decoded) assert.deepEqual(decodeMessage(encodeMessage(decoded)), decoded)
      assert.doesNotThrow(() => decodeMessage(packet.subarray(0, cutAt % packet.length)))
    }),
    { numRuns: 1000 },
  )
})

const header = (questions: number, ...rest: number[]) =>
  Uint8Array.from([0, 7, 1, 0, 0, questions, 0, 0, 0, 0, 0, 0, ...rest])

const malformed: readonly { name: string; packet: Uint8Array }[] = [
  { name: 'nothing', packet: new Uint8Array() },
  { name: 'eleven bytes', packet: header(0).subarray(0, 11) },
  { name: 'a question announced but absent', packet: header(1) },
  { name: 'a pointer to itself', packet: header(1, 0xc0, 12, 0, 1, 0, 1) },
  { name: 'a pointer forward', packet: header(1, 0xc0, 20, 0, 1, 0, 1, 0, 0, 0, 0) },
  { name: 'two pointers at each other', packet: header(1, 0xc0, 14, 0xc0, 12, 0, 1, 0, 1) },
  { name: 'a label that runs back into itself', packet: header(1, 1, 0x61, 0xc0, 12, 0, 1, 0, 1) },
  { name: 'a label type that does not exist', packet: header(1, 0x41, 0x61, 0, 0, 1, 0, 1) },
  { name: 'a label beyond the end', packet: header(1, 63, 0x61) },
  {
    name: 'a name of 256 bytes',
    packet: header(1, ...Array.from({ length: 4 }, () => [63, ...Array<number>(63).fill(0x61)]).flat(), 0, 0, 1, 0, 1),
  },
]
for (const { name: caseName, packet } of malformed) {
  test(`malformed: ${caseName}`, () => assert.equal(decodeMessage(packet), undefined))
}

test('names that have no wire form are refused', () => {
  const ask = (text: string) => () => encodeMessage({ ...query, questions: [{ name: text, type: 1, class: 1 }] })
  assert.throws(ask('a'.repeat(64)), RangeError)
  assert.throws(ask('a..b'), RangeError)
  assert.throws(ask(Array<string>(130).fill('a').join('.')), RangeError)
  assert.doesNotThrow(ask(Array<string>(127).fill('a').join('.')))
})

const query: DnsMessage = {
  id: 4711,
  isResponse: false,
  opcode: 0,
  authoritative: false,
  truncated: false,
  recursionDesired: true,
  recursionAvailable: false,
  authenticData: false,
  checkingDisabled: false,
  rcode: 0,
  questions: [{ name: 'web.default.svc.cluster.local', type: 1, class: 1 }],
  answers: [],
  authorities: [],
  additionals: [],
}

test('dns-packet reads what we write', () => {
  const owner = 'web.default.svc.cluster.local'
  const packet = encodeMessage({
    ...query,
    isResponse: true,
    answers: [
      { name: owner, ttlSeconds: 5, type: 'A', address: '10.96.0.7' },
      { name: owner, ttlSeconds: 5, type: 'AAAA', address: 'fd00::7' },
      { name: `_http._tcp.${owner}`, ttlSeconds: 5, type: 'SRV', priority: 0, weight: 50, port: 80, target: owner },
      { name: '7.0.96.10.in-addr.arpa', ttlSeconds: 5, type: 'PTR', target: owner },
    ],
    edns: { udpPayloadSize: 1232, version: 0, dnssecOk: false },
  })
  const decoded = dnsPacket.decode(Buffer.from(packet))
  assert.deepEqual(
    decoded.answers?.map((answer) => [answer.name, answer.type, 'data' in answer ? answer.data : undefined]),
    [
      [owner, 'A', '10.96.0.7'],
      [owner, 'AAAA', 'fd00::7'],
      [`_http._tcp.${owner}`, 'SRV', { priority: 0, weight: 50, port: 80, target: owner }],
      ['7.0.96.10.in-addr.arpa', 'PTR', owner],
    ],
  )
  assert.equal(decoded.additionals?.[0]?.type, 'OPT')
})

test('we read what dns-packet writes', () => {
  const packet = dnsPacket.encode({
    type: 'response',
    id: 4711,
    flags: dnsPacket.RECURSION_DESIRED | dnsPacket.AUTHORITATIVE_ANSWER,
    questions: [{ type: 'TXT', name: 'dns-version.cluster.local' }],
    answers: [{ type: 'TXT', name: 'dns-version.cluster.local', ttl: 28_800, data: ['1.1.0'] }],
    authorities: [
      {
        type: 'SOA',
        name: 'cluster.local',
        ttl: 5,
        data: {
          mname: 'ns.dns.cluster.local',
          rname: 'hostmaster.cluster.local',
          serial: 1,
          refresh: 7200,
          retry: 1800,
          expire: 86_400,
          minimum: 5,
        },
      },
    ],
  })
  const decoded = decodeMessage(packet)!
  assert.equal(decoded.authoritative, true)
  assert.deepEqual(decoded.answers, [
    { name: 'dns-version.cluster.local', ttlSeconds: 28_800, type: 'TXT', texts: ['1.1.0'] },
  ])
  assert.deepEqual(decoded.authorities, [
    {
      name: 'cluster.local',
      ttlSeconds: 5,
      type: 'SOA',
      mname: 'ns.dns.cluster.local',
      rname: 'hostmaster.cluster.local',
      serial: 1,
      refresh: 7200,
      retry: 1800,
      expire: 86_400,
      minimum: 5,
    },
  ])
})

test('the owner that repeats the question is a pointer to it, so the queried case comes back', () => {
  const owner = 'WeB.Default.svc.Cluster.LOCAL'
  const packet = encodeMessage({
    ...query,
    questions: [{ name: owner, type: 1, class: 1 }],
    answers: [{ name: owner, ttlSeconds: 5, type: 'A', address: '10.96.0.7' }],
  })
  assert.equal(packet.length, 12 + owner.length + 2 + 4 + 16)
  assert.equal(decodeMessage(packet)?.answers[0]?.name, owner)
})
