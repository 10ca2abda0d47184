import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EndpointSlice } from '#api/endpoint-slice.ts'
import type { Service } from '#api/service.ts'
import { Zone } from './zone.ts'

const zone = new Zone({ domain: 'cluster.local', ownRanges: [], clock: { nowMs: () => 0 } })
const put = (name: string, clusterIP: string): void => {
  const spec = { clusterIP, clusterIPs: [clusterIP], ports: [{ name: 'http', port: 80 }] }
  const after: Service = { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'a' }, spec }
  zone.applyService({ before: undefined, after })
  const slice: EndpointSlice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${name}-1`, namespace: 'a', labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080 }],
    endpoints: [
      { addresses: ['10.0.0.1'], zone: 'East-1', hostname: 'one' },
      { addresses: ['10.0.0.2'], zone: 'west', hostname: 'two' },
      { addresses: ['10.0.0.3'], zone: 'dark', hostname: 'three', conditions: { ready: false } },
    ],
  }
  zone.applySlice({ before: undefined, after: slice })
}
put('peers', 'None')
put('web', '10.96.0.1')

const cases: readonly { name: string; ask: string; expected: string[] | undefined }[] = [
  { name: 'only the endpoints of the zone', ask: 'east-1.pin._zone.peers', expected: ['A 10.0.0.1', 'SRV one'] },
  { name: 'nothing in that zone', ask: 'north.pin._zone.peers', expected: [] },
  { name: 'none ready in that zone', ask: 'dark.pin._zone.peers', expected: [] },
  { name: 'preferred, there are some', ask: 'west.prefer._zone.peers', expected: ['A 10.0.0.2', 'SRV two'] },
  {
    name: 'preferred, there are none',
    ask: 'dark.prefer._zone.peers',
    expected: ['A 10.0.0.1', 'A 10.0.0.2', 'SRV one', 'SRV two'],
  },
  { name: 'a port of the zone', ask: '_http._tcp.west.pin._zone.peers', expected: ['SRV two'] },
  { name: 'a port of a zone without endpoints', ask: '_http._tcp.north.pin._zone.peers', expected: [] },
  { name: 'a port that there is not', ask: '_dns._udp.west.pin._zone.peers', expected: undefined },
  { name: 'above the names', ask: '_zone.peers', expected: [] },
  { name: 'another mode', ask: 'west.nail._zone.peers', expected: undefined },
  { name: 'a Service with an address', ask: 'west.pin._zone.web', expected: undefined },
]
for (const { name, ask, expected } of cases) {
  test(`names of a zone: ${name}`, () => {
    const node = zone.find(`${ask}.a.svc.cluster.local`)
    const found =
      node.kind === 'name'
        ? node.records.map((record) => {
            if (record.type === 'A') return `A ${record.address}`
            return record.type === 'SRV' ? `SRV ${record.target.split('.')[0]}` : record.type
          })
        : undefined
    assert.deepEqual(found, expected)
  })
}
