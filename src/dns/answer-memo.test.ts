/** What is kept must never be seen: every answer with the memory equals the one without it, after any change. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { EndpointSlice } from '#api/endpoint-slice.ts'
import type { Namespace } from '#api/namespace.ts'
import type { Pod } from '#api/pod.ts'
import type { Service } from '#api/service.ts'
import { silentLog } from '#observe/log.ts'
import { AnswerMemo, isCurrent, memoKeyOf } from './answer-memo.ts'
import { decodeMessage } from './decode-message.ts'
import { encodeMessage } from './encode-message.ts'
import { createEngine, type Engine } from './engine.ts'
import { type DnsMessage, recordTypes } from './message.ts'
import { ObjectFeed, type FeedItem } from './object-feed.ts'
import { emptyQuery } from './render-reply.ts'

const names = ['a', 'b'] as const
const name = fc.constantFrom(...names)
const item: fc.Arbitrary<FeedItem> = fc.oneof(
  fc.record({ name, on: fc.boolean() }).map(({ name: own, on }) => {
    const object: Namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: own }, spec: {} }
    return { kind: 'Namespace' as const, ref: { name: own }, object: on ? object : undefined }
  }),
  fc.record({ name, namespace: name, state: fc.constantFrom('none', 'headless', 'address', 'alias') }).map((choice) => {
    const ref = { name: choice.name, namespace: choice.namespace }
    const specs: Record<string, Service['spec']> = {
      headless: { clusterIP: 'None', clusterIPs: ['None'] },
      address: { clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.1', 'fd00::1'], ports: [{ name: 'p', port: 1 }] },
      alias: { type: 'ExternalName', externalName: 'a.b.svc.cluster.local' },
    }
    const spec = specs[choice.state]
    const object: Service | undefined = spec && { apiVersion: 'v1', kind: 'Service', metadata: ref, spec }
    return { kind: 'Service' as const, ref, object }
  }),
  fc.record({ name, namespace: name, count: fc.integer({ min: 0, max: 3 }) }).map((choice) => {
    const ref = { name: `${choice.name}-1`, namespace: choice.namespace }
    const object: EndpointSlice = {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { ...ref, labels: { 'kubernetes.io/service-name': choice.name } },
      addressType: 'IPv4',
      endpoints: Array.from({ length: choice.count }, (_, at) => ({
        addresses: [`10.0.0.${at}`],
        hostname: names[at % 2]!,
      })),
    }
    return { kind: 'EndpointSlice' as const, ref, object: choice.count > 0 ? object : undefined }
  }),
)

const question = fc.record({
  labels: fc.array(fc.constantFrom(...names, 'svc', '_p', '_tcp'), { minLength: 1, maxLength: 4 }),
  zone: fc.constantFrom('a.svc.cluster.local', 'b.svc.cluster.local', 'svc.cluster.local', 'cluster.local'),
  type: fc.constantFrom(recordTypes.A, recordTypes.AAAA, recordTypes.SRV),
  hasEdns: fc.boolean(),
})

function openEngine(): Engine & { readonly feed: ObjectFeed } {
  const engine = createEngine({
    clusterDomain: 'cluster.local',
    ownRanges: [],
    endsSearches: true,
    hostSearches: () => [],
    upstreams: () => [],
    ownAddresses: [],
    exchange: () => Promise.reject(new Error('there is nothing outside')),
    randomId: () => 0,
    clock: { nowMs: () => 0 },
    log: silentLog,
  })
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'a', uid: 'u' },
    spec: { containers: [] },
    status: { podIP: '10.244.0.1' },
  } as unknown as Pod
  engine.apply({ kind: 'Pod', change: { before: undefined, after: pod } })
  engine.apply({ kind: 'synced' })
  return { ...engine, feed: new ObjectFeed(engine.apply) }
}

const comparable = (packet: Uint8Array): unknown => {
  const { answers, authorities, additionals, rcode, truncated } = decodeMessage(packet) as DnsMessage
  const sorted = (records: readonly unknown[]): string[] => records.map((record) => JSON.stringify(record)).sort()
  return {
    rcode,
    truncated,
    answers: sorted(answers),
    additionals: sorted(additionals),
    // the serial number is put in when the packet is sent
    authorities: sorted(authorities.map((record) => ({ ...record, serial: 0 }))),
  }
}

test('an answer that is kept is the one that would be made now', () => {
  const step = fc.record({ item, questions: fc.array(question, { maxLength: 4 }) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const engine = openEngine()
      const asked: Uint8Array[] = []
      const asker = engine.askers.byAddress('10.244.0.1')
      for (const { item: change, questions } of steps) {
        engine.feed.take(change)
        for (const { labels, zone, type, hasEdns } of questions) {
          const edns = { udpPayloadSize: 1232, version: 0, dnssecOk: false }
          const packet = encodeMessage({
            ...emptyQuery,
            questions: [{ name: [...labels, zone].join('.'), type, class: 1 }],
            ...(hasEdns && { edns }),
          })
          asked.push(packet)
          void engine.answer(packet, 'udp', asker)
        }
        for (const packet of asked) {
          const entry = engine.memo.get(memoKeyOf(packet))
          if (!entry || !isCurrent(entry)) continue
          const made = engine.answer(packet, 'udp', asker)
          assert.ok(made instanceof Uint8Array)
          for (const kept of entry.packets) assert.deepEqual(comparable(kept), comparable(made))
        }
      }
      engine.stop()
    }),
    { numRuns: 150 },
  )
})

test('long answers under ever new spellings take no more than some MiB', () => {
  const memo = new AnswerMemo()
  const entry = { bases: [], turn: 0, serialAt: 0, rcode: 0, namespace: undefined, path: undefined, isSearched: false }
  const packets = Array.from({ length: 16 }, () => new Uint8Array(1232))
  for (let spelling = 0; spelling < 20_000; spelling++) memo.set(`${spelling}`, { ...entry, packets })
  assert.ok(memo.size * 16 * 1232 < 40 * 1024 * 1024, `${memo.size} answers are kept`)
})
