import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EndpointSlice } from '#api/endpoint-slice.ts'
import { Service, type ServiceSpec } from '#api/service.ts'
import { selectSearchStep } from './select-search-step.ts'
import { Zone } from './zone.ts'

const zone = new Zone({ domain: 'cluster.local', ownRanges: [], clock: { nowMs: () => 0 } })
for (const name of ['a', 'b', 'empty']) {
  zone.applyNamespace({
    before: undefined,
    after: { apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec: {} },
  })
}
const put = (name: string, namespace: string, spec: ServiceSpec): void => {
  const after: Service = { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec }
  zone.applyService({ before: undefined, after })
}
const clusterIp = (ip: string): ServiceSpec => ({ clusterIP: ip, clusterIPs: [ip], ports: [{ port: 80 }] })
put('web', 'a', { clusterIP: 'None', clusterIPs: ['None'] })
put('web', 'b', clusterIp('10.96.0.2'))
put('alias', 'b', { type: 'ExternalName', externalName: 'www.example.com' })
put('hollow', 'b', { clusterIP: 'None', clusterIPs: ['None'] })
const hollow: EndpointSlice = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'web-1', namespace: 'a', labels: { 'kubernetes.io/service-name': 'web' } },
  addressType: 'IPv4',
  endpoints: [{ addresses: ['10.244.0.1'], hostname: 'pod-0' }],
}
zone.applySlice({ before: undefined, after: hollow })

const cluster = ['a.svc.cluster.local', 'svc.cluster.local', 'cluster.local']
const cases: readonly { name: string; sought: string; hosts?: string[]; ndots?: number; expected: string }[] = [
  { name: 'a Service of another namespace', sought: 'web.b', expected: 'inside web.b.svc.cluster.local' },
  { name: 'with svc', sought: 'web.b.svc', expected: 'inside web.b.svc.cluster.local' },
  { name: 'the full name', sought: 'web.b.svc.cluster.local', expected: 'inside web.b.svc.cluster.local' },
  {
    name: 'the full name, past a search domain of the host',
    sought: 'web.b.svc.cluster.local',
    hosts: ['corp.example'],
    expected: 'inside web.b.svc.cluster.local',
  },
  { name: 'an alias', sought: 'alias.b', expected: 'inside alias.b.svc.cluster.local' },
  { name: 'a name outside', sought: 'www.example.com', expected: 'outside www.example.com' },
  {
    name: 'a name outside, after those of the host',
    sought: 'www.example.com',
    hosts: ['corp.example'],
    expected: 'outside www.example.com.corp.example www.example.com',
  },
  {
    name: 'a name outside, asked for once although the root is a search domain, too',
    sought: 'www.example.com',
    hosts: ['', 'corp.example'],
    expected: 'outside www.example.com www.example.com.corp.example',
  },
  { name: 'a single label could be a Service that is not there yet', sought: 'redis', expected: 'none' },
  { name: 'a missing endpoint of a Service of this namespace', sought: 'pod-1.web', expected: 'none' },
  { name: 'a Service that is missing in another namespace', sought: 'redis.b', expected: 'none' },
  { name: 'a Service that is missing in a namespace, in full', sought: 'redis.b.svc.cluster.local', expected: 'none' },
  { name: 'a Service without addresses: resolvers differ', sought: 'hollow.b', expected: 'none' },
  { name: 'a namespace with svc', sought: 'empty.svc', expected: 'none' },
  { name: 'enough dots to be asked for as it is first', sought: 'a.b.c.d.example.com', expected: 'none' },
  { name: 'fewer dots count for a pod with other ndots', sought: 'www.example.com', ndots: 2, expected: 'none' },
  { name: 'names of the local link', sought: 'printer.local', expected: 'none' },
  { name: 'a dot inside a label', sought: 'www\\.example.com', expected: 'none' },
]
for (const { name, sought, hosts = [], ndots = 5, expected } of cases) {
  test(`search: ${name}`, () => {
    const path = { namespace: 'a', domains: [...cluster, ...hosts], ndots }
    const step = selectSearchStep(`${sought}.a.svc.cluster.local`, zone, path)
    const names = step.kind === 'inside' ? [step.name] : step.kind === 'outside' ? step.names : []
    assert.equal([step.kind, ...names].join(' '), expected)
  })
}

test('search: another namespace than the path begins with', () => {
  const path = { namespace: 'b', domains: ['b.svc.cluster.local', 'svc.cluster.local'], ndots: 5 }
  assert.equal(selectSearchStep('web.b.a.svc.cluster.local', zone, path).kind, 'none')
})

test('search: what was found stands on every name on the way, and ends with any of them', () => {
  const path = { namespace: 'a', domains: cluster, ndots: 5 }
  const { bases } = selectSearchStep('late.b.a.svc.cluster.local', zone, path)
  assert.ok(bases.length > 0 && bases.every(({ isCurrent }) => isCurrent))
  put('late', 'b', clusterIp('10.96.0.9'))
  assert.ok(bases.some(({ isCurrent }) => !isCurrent))
  const found = selectSearchStep('late.b.a.svc.cluster.local', zone, path)
  assert.equal(found.kind, 'inside')
  // somebody makes the very name that was asked for
  put('b', 'a', clusterIp('10.96.0.10'))
  assert.ok(found.bases.some(({ isCurrent }) => !isCurrent))
})
