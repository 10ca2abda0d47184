import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Service } from '#api/service.ts'
import { silentLog } from '#observe/log.ts'
import { type AnswerPacket, createAnswerPacket } from './answer-packet.ts'
import { Askers } from './askers.ts'
import { decodeMessage } from './decode-message.ts'
import { encodeMessage } from './encode-message.ts'
import { type DnsMessage, rcodes, recordTypes, type ResourceRecord } from './message.ts'
import { emptyQuery, renderReply } from './render-reply.ts'
import { Zone } from './zone.ts'

const service = (name: string, externalName: string): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'default' },
  spec: { type: 'ExternalName', externalName },
})
const zone = new Zone({ domain: 'cluster.local', ownRanges: [], clock: { nowMs: () => 0 } })
zone.applyService({ before: undefined, after: service('outside', 'www.example.com') })
zone.applyService({ before: undefined, after: service('nowhere', 'gone.example.com') })
zone.applyService({ before: undefined, after: service('broken', `${'a'.repeat(64)}.example.com`) })

const soa = { mname: 'ns', rname: 'me', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 20 }
const upstream: Readonly<Record<string, Partial<DnsMessage>>> = {
  'www.example.com': {
    answers: [
      { name: 'www.example.com', ttlSeconds: 9, type: 'CNAME', target: 'cdn.example.net' },
      { name: 'cdn.example.net', ttlSeconds: 9, type: 'A', address: '192.0.2.1' },
    ],
  },
  'gone.example.com': {
    rcode: rcodes.NXDOMAIN,
    authenticData: true,
    authorities: [{ name: 'example.com', ttlSeconds: 9, type: 'SOA', ...soa }],
  },
}
const forwarder = {
  resolve: async ({ name }: { name: string }) => {
    const known = upstream[name.toLowerCase()]
    return known && renderReply(emptyQuery, known)
  },
}
const { nobody } = new Askers({ clusterDomain: 'cluster.local', hostSearches: () => [], endsSearches: true })
const searchOutside = { decide: async () => undefined }
const answer: AnswerPacket = createAnswerPacket({
  zone,
  forwarder,
  searchOutside,
  isSynced: () => true,
  log: silentLog,
})

async function ask(name: string, rest: Partial<DnsMessage> = {}): Promise<DnsMessage> {
  const query = { ...emptyQuery, id: 77, questions: [{ name, type: recordTypes.A, class: 1 }], ...rest }
  return decodeMessage((await answer(encodeMessage(query), 'udp', nobody))!)!
}
const show = (record: ResourceRecord): string =>
  `${record.name} ${record.type === 'CNAME' ? record.target : record.type === 'A' ? record.address : record.type}`

const cases: readonly { name: string; ask: string; rcode?: number; answers: string[] }[] = [
  {
    name: 'a name outside, spelled as asked',
    ask: 'WWW.example.com',
    answers: ['WWW.example.com cdn.example.net', 'cdn.example.net 192.0.2.1'],
  },
  { name: 'a name outside that nobody can resolve', ask: 'x.example.com', rcode: rcodes.SERVFAIL, answers: [] },
  { name: 'a name outside that does not exist', ask: 'gone.example.com', rcode: rcodes.NXDOMAIN, answers: [] },
  {
    name: 'an alias to the outside, with what is found there',
    ask: 'outside.default.svc.cluster.local',
    answers: [
      'outside.default.svc.cluster.local www.example.com',
      'www.example.com cdn.example.net',
      'cdn.example.net 192.0.2.1',
    ],
  },
  { name: 'something with no wire form', ask: 'broken.default.svc.cluster.local', rcode: rcodes.SERVFAIL, answers: [] },
]
for (const { name, ask: asked, rcode = rcodes.NOERROR, answers } of cases) {
  test(name, async () => {
    const reply = await ask(asked)
    assert.deepEqual([reply.id, reply.rcode, reply.answers.map(show)], [77, rcode, answers])
  })
}

test('without EDNS asked there is none in the reply; with it, its version and size', async () => {
  assert.equal((await ask('www.example.com')).edns, undefined)
  const edns = { udpPayloadSize: 4096, version: 0, dnssecOk: true }
  assert.deepEqual((await ask('www.example.com', { edns })).edns, { ...edns, udpPayloadSize: 1232 })
})

test('an alias to a name that does not exist outside says for how long', async () => {
  const { rcode, authorities } = await ask('nowhere.default.svc.cluster.local')
  assert.deepEqual([rcode, authorities.map(show)], [rcodes.NXDOMAIN, ['example.com SOA']])
})

const validated: readonly (readonly [what: string, asked: Partial<DnsMessage>, isTold: boolean])[] = [
  ['nothing', {}, false],
  ['AD', { authenticData: true }, true],
  ['DO', { edns: { udpPayloadSize: 1232, version: 0, dnssecOk: true } }, true],
  ['EDNS alone', { edns: { udpPayloadSize: 1232, version: 0, dnssecOk: false } }, false],
]
for (const [what, asked, isTold] of validated) {
  test(`that a server outside has validated is told who asks with ${what}: ${isTold}`, async () =>
    assert.equal((await ask('gone.example.com', asked)).authenticData, isTold))
}

test('an EDNS version that we do not know is told so', async () => {
  const reply = await ask('www.example.com', { edns: { udpPayloadSize: 512, version: 1, dnssecOk: false } })
  assert.equal(reply.rcode, rcodes.BADVERS)
})

test('any packet gets one reply that decodes, or none', async () => {
  const valid = encodeMessage({ ...emptyQuery, questions: [{ name: 'a.cluster.local', type: 1, class: 1 }] })
  const damage = fc.array(fc.tuple(fc.nat(40), fc.nat(255)), { maxLength: 3 })
  const packet = fc.oneof(
    fc.uint8Array({ maxLength: 80 }),
    damage.map((edits) => {
      const bytes = Uint8Array.from(valid)
      for (const [at, byte] of edits) bytes[at % bytes.length] = byte
      return bytes
    }),
  )
  await fc.assert(
    fc.asyncProperty(packet, async (bytes) => {
      const reply = await answer(bytes, 'udp', nobody)
      if (reply === undefined) return
      const decoded = decodeMessage(reply)
      assert.ok(decoded?.isResponse)
      assert.deepEqual(reply.subarray(0, 2), bytes.subarray(0, 2))
    }),
    { numRuns: 1000 },
  )
})
