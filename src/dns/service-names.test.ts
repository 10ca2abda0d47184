/** Names follow changes piece by piece: whatever came before, they are those of a zone that was given the present alone. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { EndpointSlice } from '#api/endpoint-slice.ts'
import type { Service } from '#api/service.ts'
import { Zone } from './zone.ts'

const port = fc.record(
  {
    name: fc.constantFrom('', 'http', 'dns'),
    protocol: fc.constantFrom('TCP' as const, 'UDP' as const),
    port: fc.constantFrom(80, 81),
  },
  { requiredKeys: [] },
)
const endpoint = fc.record(
  {
    addresses: fc.array(fc.constantFrom('10.0.0.1', '10.0.0.2', 'fd00::', 'FD00::1', 'no address'), {
      minLength: 1,
      maxLength: 2,
    }),
    hostname: fc.constantFrom('', 'one', 'two'),
    zone: fc.constantFrom('East', 'west'),
    conditions: fc.constantFrom({ ready: true }, { ready: false }),
  },
  { requiredKeys: ['addresses'] },
)
const slice = fc
  .record({
    name: fc.constantFrom('s1', 's2', 's3'),
    owner: fc.constantFrom('web', 'db'),
    addressType: fc.constantFrom('IPv4' as const, 'IPv6' as const, 'FQDN' as const),
    ports: fc.array(port, { maxLength: 2 }),
    endpoints: fc.array(endpoint, { maxLength: 4 }),
  })
  .map(({ name, owner, ...rest }): EndpointSlice => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace: 'a', labels: { 'kubernetes.io/service-name': owner } },
    ...rest,
  }))
const service = fc
  .constantFrom<Service['spec'][]>(
    { clusterIP: 'None' },
    { clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.1', 'fd00::9'], ports: [{ name: 'http', port: 80 }] },
    { type: 'ExternalName', externalName: 'elsewhere.example.' },
  )
  .map((spec): Service => ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace: 'a' }, spec }))
const change = fc.record({ object: fc.oneof(slice, slice, service), stays: fc.constantFrom(true, true, true, false) })

const portNames = ['_http._tcp', '_dns._udp', '_tcp', '_sctp']
const labels = ['one', 'two', 'nobody', '10-0-0-1', '10-0-0-2', 'fd00--0', 'fd00--1']
const zonal = ['_zone', 'east.pin._zone', 'west.prefer._zone', '_http._tcp.east.pin._zone']
const names = [
  'web.a.svc.cluster.local',
  ...[...portNames, ...labels, ...zonal].map((below) => `${below}.web.a.svc.cluster.local`),
  'db.a.svc.cluster.local',
  '1.0.0.10.in-addr.arpa',
  '2.0.0.10.in-addr.arpa',
]

const emptyZone = () => new Zone({ domain: 'cluster.local', ownRanges: [], clock: { nowMs: () => 0 } })

type Content = ReadonlyMap<string, Service | EndpointSlice>
const keyOf = ({ kind, metadata }: Service | EndpointSlice) => `${kind} ${metadata.name}`

function apply(
  zone: Zone,
  before: Service | EndpointSlice | undefined,
  after: Service | EndpointSlice | undefined,
): void {
  if ((after ?? before)?.kind === 'Service') {
    zone.applyService({ before: before as Service | undefined, after: after as Service | undefined })
  } else zone.applySlice({ before: before as EndpointSlice | undefined, after: after as EndpointSlice | undefined })
}

function zoneOf(content: Content): Zone {
  const zone = emptyZone()
  for (const object of content.values()) apply(zone, undefined, object)
  return zone
}

const answers = (zone: Zone, asked: readonly string[]) =>
  asked.map((name) => {
    const node = zone.find(name)
    return [name, node.kind, node.kind === 'name' ? node.records : []]
  })

test('names after any changes are those of the present, whatever was asked in between', () => {
  const asked = fc.subarray(names)
  const steps = fc.array(fc.record({ change, asked }), { minLength: 1, maxLength: 10 })
  fc.assert(
    fc.property(steps, (list) => {
      const zone = emptyZone()
      const content = new Map<string, Service | EndpointSlice>()
      for (const {
        change: { object, stays },
        asked: some,
      } of list) {
        const key = keyOf(object)
        const before = content.get(key)
        const after = stays ? object : undefined
        if (!before && !after) continue
        apply(zone, before, after)
        // what has changed stands last: the order of records is that of the changes
        content.delete(key)
        if (after) content.set(key, after)
        assert.deepEqual(answers(zone, some), answers(zoneOf(content), some))
      }
      assert.deepEqual(answers(zone, names), answers(zoneOf(content), names))
    }),
    { numRuns: 300 },
  )
})

/** An endpoint that tells when it is looked at. */
function watched(address: string, looked: string[]): { readonly addresses: string[] } {
  return {
    get addresses() {
      looked.push(address)
      return [address]
    },
  }
}

test('a change of one slice reads that slice alone', () => {
  const zone = emptyZone()
  const looked: string[] = []
  const sliceOf = (name: string, ...addresses: string[]): EndpointSlice => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace: 'a', labels: { 'kubernetes.io/service-name': 'db' } },
    addressType: 'IPv4',
    endpoints: addresses.map((address) => watched(address, looked)),
  })
  const spec = { clusterIP: 'None', clusterIPs: ['None'] }
  const metadata = { name: 'db', namespace: 'a' }
  zone.applyService({ before: undefined, after: { apiVersion: 'v1', kind: 'Service', metadata, spec } })
  const [one, two, later] = [sliceOf('one', '10.0.0.1'), sliceOf('two', '10.0.0.2'), sliceOf('two', '10.0.0.3')]
  const find = () => answers(zone, ['db.a.svc.cluster.local'])[0]![2]
  const address = (text: string) => ({ type: 'A', address: text })
  zone.applySlice({ before: undefined, after: one })
  zone.applySlice({ before: undefined, after: two })
  assert.deepEqual(find(), [address('10.0.0.1'), address('10.0.0.2')])
  looked.length = 0
  zone.applySlice({ before: two, after: later })
  assert.deepEqual(find(), [address('10.0.0.1'), address('10.0.0.3')])
  assert.ok(!looked.includes('10.0.0.1'), looked.join())
})
