import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { IPAddress } from '#api/ip-address.ts'
import type { ServiceCIDR } from '#api/service-cidr.ts'
import { sampleService } from '../sample-objects.ts'
import { clusterIps, planAddressRepair, planRepair } from './plan-repair.ts'

const ip = '10.96.0.10'
const range: ServiceCIDR = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'ServiceCIDR',
  metadata: { name: 'kubernetes' },
  spec: { cidrs: ['10.96.0.0/16', 'fd00:96::/112'] },
}
const parentOf = (name: string) => ({ group: '', resource: 'services', namespace: 'default', name })
function address(name: string, parentRef: object = parentOf('web'), labels: Record<string, string> = {}): IPAddress {
  const family = name.includes(':') ? 'IPv6' : 'IPv4'
  const ours = {
    'ipaddress.kubernetes.io/ip-family': family,
    'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
  }
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IPAddress',
    metadata: { name, labels: { ...ours, ...labels } },
    spec: { parentRef: parentRef as never },
  }
}
const named = (name: string, clusterIP: string) => sampleService({ clusterIP }, { name })
const modified = { 'ipaddress.kubernetes.io/ip-family': 'IPv6' }

describe('a Service and its address', () => {
  const cases = [
    { name: 'held', service: named('web', ip), holder: address(ip), expected: undefined },
    {
      name: 'held, and written otherwise',
      service: named('web', 'fd00:96:0::10'),
      holder: address('fd00:96::10'),
      expected: undefined,
    },
    {
      name: 'held for another that has it too, written otherwise',
      service: named('web', 'fd00:96::10'),
      holder: address('fd00:96::10', parentOf('other')),
      other: named('other', 'fd00:96:0::10'),
      expected: ['ClusterIPAlreadyAllocated', false],
    },
    { name: 'a headless Service has none', service: named('web', 'None'), holder: undefined, expected: undefined },
    {
      name: 'no address at all',
      service: named('web', '10.96.0'),
      holder: undefined,
      expected: ['ClusterIPNotValid', false],
    },
    {
      name: 'in no range',
      service: named('web', '192.0.2.1'),
      holder: undefined,
      expected: ['ClusterIPOutOfRange', false],
    },
    { name: 'not held', service: named('web', ip), holder: undefined, expected: ['ClusterIPNotAllocated', true] },
    {
      name: 'held with other labels',
      service: named('web', ip),
      holder: address(ip, parentOf('web'), modified),
      expected: ['ClusterIPNotAllocated', true],
    },
    {
      name: 'held for nobody',
      service: named('web', ip),
      holder: address(ip, parentOf('gone')),
      expected: ['ClusterIPNotAllocated', true],
    },
    {
      name: 'held for something else',
      service: named('web', ip),
      holder: address(ip, { resource: 'routers', name: 'web' }),
      expected: ['ClusterIPNotAllocated', true],
    },
    {
      name: 'held for another that has it too',
      service: named('web', ip),
      holder: address(ip, parentOf('other')),
      other: named('other', ip),
      expected: ['ClusterIPAlreadyAllocated', false],
    },
    {
      name: 'held for another that does not have it',
      service: named('web', ip),
      holder: address(ip, parentOf('other')),
      other: named('other', '10.96.0.11'),
      expected: ['ClusterIPNotAllocated', true],
    },
  ]
  for (const { name, service, holder, other, expected } of cases) {
    it(name, () => {
      const [own] = clusterIps(service)
      const repair = own ? planRepair(service, own, { holder, holderService: other, cidrs: [range] }) : undefined
      assert.deepEqual(repair && [repair.reason, repair.create !== undefined], expected)
    })
  }
})

describe('an address and its Service', () => {
  const foreign = { 'ipaddress.kubernetes.io/managed-by': 'me' }
  const cases = [
    { name: 'used', address: address(ip), service: named('web', ip), expected: undefined },
    {
      name: 'used, and written otherwise there',
      address: address('fd00:96::10'),
      service: named('web', 'fd00:96:0::10'),
      expected: undefined,
    },
    {
      name: 'of somebody else',
      address: address(ip, parentOf('web'), foreign),
      service: undefined,
      expected: undefined,
    },
    {
      name: 'of no Service: after a minute',
      address: address(ip),
      service: undefined,
      expected: ['IPAddressNotAllocated', 60_000],
    },
    {
      name: 'changed to name something else',
      address: address(ip, { resource: 'routers', name: 'web' }),
      service: undefined,
      expected: ['IPAddressNotAllocated', 0],
    },
    {
      name: 'of a Service with another address: after five seconds',
      address: address(ip),
      service: named('web', '10.96.0.11'),
      expected: ['IPAddressWrongReference', 5_000],
    },
  ]
  for (const { name, address: object, service, expected } of cases) {
    it(name, () => {
      const repair = planAddressRepair(object, service)
      assert.deepEqual(repair && [repair.reason, repair.minAgeMs], expected)
    })
  }
})
