import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EndpointSlice } from '#api/endpoint-slice.ts'
import type { Service, ServiceSpec } from '#api/service.ts'
import { Zone } from './zone.ts'

const emptyZone = () => new Zone({ domain: 'cluster.local', ownRanges: ['10.96.0.0/16'], clock: { nowMs: () => 0 } })

const service = (spec: ServiceSpec): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'default' },
  spec,
})
const slice = (name: string, of: string, ...addresses: string[]): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': of } },
  addressType: 'IPv4',
  endpoints: addresses.map((address) => ({ addresses: [address] })),
})

const clusterIp = (ip: string): Service => service({ clusterIP: ip, clusterIPs: [ip], ports: [{ port: 80 }] })
const headless = service({ clusterIP: 'None', clusterIPs: ['None'] })
const external = service({ type: 'ExternalName', externalName: 'a.example.com' })

const found = (zone: Zone, name: string): string[] => {
  const node = zone.find(name)
  if (node.kind !== 'name') return [node.kind]
  return node.records.flatMap((record) => {
    if (record.type === 'A') return [record.address]
    return record.type === 'PTR' || record.type === 'CNAME' ? [record.target] : []
  })
}
const web = 'web.default.svc.cluster.local'

test('a Service that changes its nature answers with the new one at once', () => {
  const zone = emptyZone()
  const steps: readonly (readonly [Service | undefined, string[]])[] = [
    [clusterIp('10.96.0.7'), ['10.96.0.7']],
    [clusterIp('10.96.0.8'), ['10.96.0.8']],
    [external, ['a.example.com']],
    [headless, ['unknown']],
    [clusterIp('10.96.0.9'), ['10.96.0.9']],
    [undefined, ['unknown']],
  ]
  let before: Service | undefined
  for (const [after, expected] of steps) {
    zone.applyService({ before, after })
    before = after
    assert.deepEqual(found(zone, web), expected)
  }
})

test('the reverse name of a cluster IP goes with the Service', () => {
  const zone = emptyZone()
  const before = clusterIp('10.96.0.7')
  zone.applyService({ before: undefined, after: before })
  assert.deepEqual(found(zone, '7.0.96.10.in-addr.arpa'), [web])
  zone.applyService({ before, after: clusterIp('10.96.0.8') })
  assert.deepEqual(found(zone, '7.0.96.10.in-addr.arpa'), ['unknown'])
  assert.deepEqual(found(zone, '8.0.96.10.in-addr.arpa'), [web])
})

test('an endpoint that moves from one slice to another stays', () => {
  const zone = emptyZone()
  const [one, two] = [slice('one', 'web', '10.244.1.2', '10.244.1.3'), slice('two', 'web', '10.244.1.2')]
  zone.applyService({ before: undefined, after: headless })
  zone.applySlice({ before: undefined, after: one })
  zone.applySlice({ before: undefined, after: two })
  assert.deepEqual(found(zone, web), ['10.244.1.2', '10.244.1.3'])
  zone.applySlice({ before: one, after: undefined })
  assert.deepEqual(found(zone, web), ['10.244.1.2'])
  assert.deepEqual(found(zone, '2.1.244.10.in-addr.arpa'), [`10-244-1-2.${web}`])
  assert.deepEqual(found(zone, '3.1.244.10.in-addr.arpa'), ['foreign'])
  zone.applySlice({ before: two, after: undefined })
  assert.deepEqual(found(zone, web), ['unknown'])
  assert.deepEqual(found(zone, '2.1.244.10.in-addr.arpa'), ['foreign'])
})

test('slices may come before their Service, and change their Service', () => {
  const zone = emptyZone()
  const [ofWeb, ofOther] = [slice('one', 'web', '10.244.1.2'), slice('one', 'other', '10.244.1.2')]
  zone.applySlice({ before: undefined, after: ofWeb })
  assert.deepEqual(found(zone, web), ['unknown'])
  assert.deepEqual(found(zone, '2.1.244.10.in-addr.arpa'), ['foreign'])
  zone.applyService({ before: undefined, after: headless })
  assert.deepEqual(found(zone, web), ['10.244.1.2'])
  zone.applySlice({ before: ofWeb, after: ofOther })
  assert.deepEqual(found(zone, web), ['unknown'])
})

test('the serial never goes back, whatever the clock does', () => {
  let nowMs = 5_000_000
  const zone = new Zone({ domain: 'cluster.local', ownRanges: [], clock: { nowMs: () => nowMs } })
  const first = zone.soa('cluster.local').serial
  nowMs = 0
  zone.applyService({ before: undefined, after: headless })
  assert.ok(zone.soa('cluster.local').serial > first)
})
