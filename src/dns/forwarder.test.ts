import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog } from '#observe/log.ts'
import { decodeMessage } from './decode-message.ts'
import { encodeMessage } from './encode-message.ts'
import { Forwarder } from './forwarder.ts'
import { type DnsMessage, rcodes, recordTypes } from './message.ts'
import { renderReply } from './render-reply.ts'
import type { ExchangeRequest } from './run-exchange.ts'

type Reply = Partial<DnsMessage> | 'silent' | 'refused'
type Script = (asked: { server: string; protocol: string; query: DnsMessage }) => Reply

interface Run {
  readonly forwarder: Forwarder
  /** Server and transport of each exchange. */
  readonly asked: string[]
  readonly clock: { now: number }
}

function run(servers: readonly string[], script: Script, ownAddresses: readonly string[] = []): Run {
  const asked: string[] = []
  const clock = { now: 0 }
  let id = 0
  const exchange = <T>({ server, protocol, packet, accept }: ExchangeRequest<T>): Promise<T> => {
    asked.push(`${server.address} ${protocol}`)
    const query = decodeMessage(packet)!
    const reply = script({ server: server.address, protocol, query })
    if (typeof reply === 'string') return Promise.reject(new Error(reply))
    const accepted = accept(encodeMessage({ ...renderReply(query, {}), ...reply }))
    return accepted === undefined ? Promise.reject(new Error('not accepted')) : Promise.resolve(accepted)
  }
  const forwarder = new Forwarder({
    upstreams: () => servers.map((address) => ({ address, port: 53 })),
    ownAddresses,
    exchange,
    randomId: () => id++,
    clock: { nowMs: () => clock.now },
    log: silentLog,
  })
  return { forwarder, asked, clock }
}

const question = { name: 'www.example.com', type: recordTypes.A, class: 1 }
const flags = { checkingDisabled: false, dnssecOk: false }
const positive = (address = '192.0.2.1', ttlSeconds = 60): Partial<DnsMessage> => ({
  answers: [{ name: question.name, ttlSeconds, type: 'A', address }],
})
const soa = { mname: 'ns', rname: 'me', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 20 }
const negative: Partial<DnsMessage> = {
  rcode: rcodes.NXDOMAIN,
  authorities: [{ name: 'example.com', ttlSeconds: 900, type: 'SOA', ...soa }],
}

const cases: readonly {
  name: string
  servers: string[]
  script: Script
  ownAddresses?: string[]
  asked: string[]
  rcode?: number
}[] = [
  { name: 'the first server answers', servers: ['a', 'b'], script: () => positive(), asked: ['a udp'], rcode: 0 },
  {
    name: 'a name that does not exist is an answer',
    servers: ['a', 'b'],
    script: () => negative,
    asked: ['a udp'],
    rcode: rcodes.NXDOMAIN,
  },
  {
    name: 'the next server when the first is silent',
    servers: ['a', 'b'],
    script: ({ server }) => (server === 'a' ? 'silent' : positive()),
    asked: ['a udp', 'b udp'],
    rcode: 0,
  },
  {
    name: 'the next server when the first cannot',
    servers: ['a', 'b'],
    script: ({ server }) => (server === 'a' ? { rcode: rcodes.SERVFAIL } : positive()),
    asked: ['a udp', 'b udp'],
    rcode: 0,
  },
  {
    name: 'all say that they cannot: the last word counts',
    servers: ['a', 'b'],
    script: () => ({ rcode: rcodes.REFUSED }),
    asked: ['a udp', 'b udp'],
    rcode: rcodes.REFUSED,
  },
  {
    name: 'all are silent: two rounds, then no answer',
    servers: ['a', 'b'],
    script: () => 'silent',
    asked: ['a udp', 'b udp', 'a udp', 'b udp'],
  },
  { name: 'no servers', servers: [], script: () => positive(), asked: [] },
  { name: 'never ourselves', servers: ['self'], ownAddresses: ['self'], script: () => positive(), asked: [] },
  {
    name: 'too long for a datagram: over TCP',
    servers: ['a'],
    script: ({ protocol }) => (protocol === 'udp' ? { truncated: true } : positive()),
    asked: ['a udp', 'a tcp'],
    rcode: 0,
  },
  {
    name: 'a server older than EDNS is asked without',
    servers: ['a'],
    script: ({ query }) => (query.edns ? { rcode: rcodes.FORMERR } : positive()),
    asked: ['a udp', 'a udp'],
    rcode: 0,
  },
  {
    name: 'an answer to another question is none',
    servers: ['a', 'b'],
    script: ({ server, query }) =>
      server === 'a'
        ? { ...positive(), questions: [{ ...query.questions[0]!, name: 'evil.example.com' }] }
        : positive(),
    asked: ['a udp', 'b udp'],
    rcode: 0,
  },
  {
    name: 'an answer with another id is none',
    servers: ['a', 'b'],
    script: ({ server, query }) => (server === 'a' ? { ...positive(), id: query.id + 1 } : positive()),
    asked: ['a udp', 'b udp'],
    rcode: 0,
  },
]
for (const { name, servers, script, ownAddresses, asked, rcode } of cases) {
  test(name, async () => {
    const running = run(servers, script, ownAddresses)
    const response = await running.forwarder.resolve(question, flags)
    assert.deepEqual(running.asked, asked)
    assert.equal(response?.rcode, rcode)
  })
}

test('truncated over UDP and nobody there over TCP: what there is, marked as cut', async () => {
  const { forwarder } = run(['a'], ({ protocol }) =>
    protocol === 'udp' ? { ...positive(), truncated: true } : 'refused',
  )
  const response = await forwarder.resolve(question, flags)
  assert.deepEqual([response?.truncated, response?.answers.length], [true, 1])
})

test('a server that was silent is asked last, for a while', async () => {
  const { forwarder, asked, clock } = run(['a', 'b'], ({ server }) =>
    server === 'a' ? 'silent' : positive('192.0.2.1', 0),
  )
  await forwarder.resolve(question, flags)
  await forwarder.resolve(question, flags)
  assert.deepEqual(asked, ['a udp', 'b udp', 'b udp'])
  clock.now = 31_000
  await forwarder.resolve(question, flags)
  assert.deepEqual(asked.slice(3), ['a udp', 'b udp'])
})

test('equal questions under way are asked once, whatever their case', async () => {
  const { forwarder, asked } = run(['a'], () => positive())
  const spellings = ['www.example.com', 'WWW.example.com', 'www.EXAMPLE.com']
  const responses = await Promise.all(spellings.map((name) => forwarder.resolve({ ...question, name }, flags)))
  assert.equal(asked.length, 1)
  assert.equal(responses.filter((response) => response?.answers.length === 1).length, 3)
})

test('answers are kept as long as they say, counting down', async () => {
  const { forwarder, asked, clock } = run(['a'], () => positive('192.0.2.1', 60))
  await forwarder.resolve(question, flags)
  clock.now = 45_000
  assert.equal((await forwarder.resolve(question, flags))?.answers[0]?.ttlSeconds, 15)
  clock.now = 60_000
  await forwarder.resolve(question, flags)
  assert.equal(asked.length, 2)
})

test('that a name does not exist is kept for the minimum in the SOA', async () => {
  const { forwarder, asked, clock } = run(['a'], () => negative)
  await forwarder.resolve(question, flags)
  clock.now = 19_999
  await forwarder.resolve(question, flags)
  assert.equal(asked.length, 1)
  clock.now = 20_000
  await forwarder.resolve(question, flags)
  assert.equal(asked.length, 2)
})

const unkept: readonly (readonly [what: string, reply: Partial<DnsMessage>])[] = [
  ['a failure', { rcode: rcodes.SERVFAIL }],
  ['a negative answer without SOA', { rcode: rcodes.NXDOMAIN }],
  ['an answer that lives zero seconds', positive('192.0.2.1', 0)],
]
for (const [what, reply] of unkept) {
  test(`not kept: ${what}`, async () => {
    const { forwarder, asked } = run(['a'], () => reply)
    await forwarder.resolve(question, flags)
    await forwarder.resolve(question, flags)
    assert.equal(asked.length, 2)
  })
}

test('the cache stays small', async () => {
  const { forwarder, asked } = run(['a'], ({ query }) => ({
    answers: [{ name: query.questions[0]!.name, ttlSeconds: 60, type: 'A', address: '192.0.2.1' }],
  }))
  const ask = (index: number) => forwarder.resolve({ ...question, name: `n${index}.example.com` }, flags)
  for (let index = 0; index < 4097; index++) await ask(index)
  asked.length = 0
  await ask(4096)
  await ask(1)
  assert.equal(asked.length, 0)
  await ask(0)
  assert.equal(asked.length, 1)
})
