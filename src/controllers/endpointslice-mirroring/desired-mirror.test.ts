import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Endpoints } from '#api/endpoints.ts'
import { sampleService } from '../sample-objects.ts'
import { desiredMirror, shouldMirror } from './desired-mirror.ts'

const many = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({
    ip: `10.${(from + i) >> 16}.${((from + i) >> 8) & 255}.${(from + i) & 255}`,
  }))
const http = [{ port: 80, protocol: 'TCP' as const }]
const other = [{ port: 81, protocol: 'TCP' as const }]
const endpoints = (subsets: NonNullable<Endpoints['subsets']>, metadata: object = {}): Endpoints => ({
  apiVersion: 'v1',
  kind: 'Endpoints',
  metadata: { name: 'web', namespace: 'default', ...metadata },
  subsets,
})

interface Case {
  readonly name: string
  readonly subsets: NonNullable<Endpoints['subsets']>
  /** `family port: address[-]`, where - is not ready. */
  readonly groups?: readonly string[]
  readonly sizes?: readonly number[]
  readonly invalid?: readonly string[]
  readonly tooMany?: number
}

const cases: readonly Case[] = [
  { name: 'nothing', subsets: [], groups: [] },
  {
    name: 'ready and not ready',
    subsets: [{ addresses: [{ ip: '192.0.2.1' }], notReadyAddresses: [{ ip: '192.0.2.2' }], ports: http }],
    groups: ['IPv4 80: 192.0.2.1 192.0.2.2-'],
  },
  {
    name: 'subsets of the same ports become one',
    subsets: [
      { addresses: [{ ip: '192.0.2.1' }], ports: http },
      { addresses: [{ ip: '192.0.2.2' }], ports: http },
    ],
    groups: ['IPv4 80: 192.0.2.1 192.0.2.2'],
  },
  {
    name: 'one address with two sets of ports',
    subsets: [
      { addresses: [{ ip: '192.0.2.1' }], ports: http },
      { addresses: [{ ip: '192.0.2.1' }], ports: other },
    ],
    groups: ['IPv4 80: 192.0.2.1', 'IPv4 81: 192.0.2.1'],
  },
  {
    name: 'an address that is ready here and not there is not ready',
    subsets: [
      { notReadyAddresses: [{ ip: '192.0.2.1' }], ports: http },
      { addresses: [{ ip: '192.0.2.1' }], ports: http },
    ],
    groups: ['IPv4 80: 192.0.2.1-'],
  },
  {
    name: 'families apart',
    subsets: [{ addresses: [{ ip: '192.0.2.1' }, { ip: '2001:db8::1' }], ports: http }],
    groups: ['IPv4 80: 192.0.2.1', 'IPv6 80: 2001:db8::1'],
  },
  {
    name: 'an address that is written in two ways is one',
    subsets: [{ addresses: [{ ip: '2001:DB8:0::1' }, { ip: '2001:db8::1' }], ports: http }],
    groups: ['IPv6 80: 2001:db8::1'],
  },
  {
    name: 'no ports at all',
    subsets: [{ addresses: [{ ip: '192.0.2.1' }] }],
    groups: ['IPv4 : 192.0.2.1'],
  },
  {
    name: 'what is no address is left out',
    subsets: [{ addresses: [{ ip: '192.0.2' }, { ip: '192.0.2.1' }], ports: http }],
    groups: ['IPv4 80: 192.0.2.1'],
    invalid: ['192.0.2'],
  },
  {
    name: 'a thousand of each set of ports',
    subsets: [
      { addresses: many(0, 1200), ports: http },
      { addresses: many(0, 10), ports: other },
    ],
    sizes: [1000, 10],
    tooMany: 200,
  },
  {
    name: 'a thousand also over several subsets',
    subsets: [
      { addresses: many(0, 700), ports: http },
      { addresses: many(700, 700), ports: http },
    ],
    sizes: [1000],
    tooMany: 400,
  },
]

describe('desiredMirror', () => {
  for (const { name, subsets, groups, sizes, invalid = [], tooMany = 0 } of cases) {
    it(name, () => {
      const mirror = desiredMirror(endpoints(subsets))
      const found = mirror.desired.flatMap(({ family, groups: byPorts }) =>
        [...byPorts.values()].map((group) => ({ family, ...group })),
      )
      if (sizes)
        assert.deepEqual(
          found.map((group) => group.endpoints.length),
          sizes,
        )
      if (groups) {
        const text = found.map(({ family, ports, endpoints: list }) => {
          const addresses = list.map(({ addresses: [ip], conditions }) => `${ip}${conditions?.ready ? '' : '-'}`)
          return `${family} ${ports.map(({ port }) => port).join(',')}: ${addresses.join(' ')}`
        })
        assert.deepEqual(text, groups)
      }
      assert.deepEqual({ invalid: mirror.invalid, tooMany: mirror.tooMany }, { invalid, tooMany })
    })
  }
})

describe('shouldMirror', () => {
  const without = sampleService()
  delete without.spec.selector
  const leader = { annotations: { 'control-plane.alpha.kubernetes.io/leader': '{}' } }
  const verdicts = [
    { name: 'a Service without selector', endpoints: endpoints([]), service: without, expected: true },
    { name: 'a Service with selector', endpoints: endpoints([]), service: sampleService(), expected: false },
    { name: 'no Service', endpoints: endpoints([]), service: undefined, expected: false },
    { name: 'no Endpoints', endpoints: undefined, service: without, expected: false },
    {
      name: 'asked not to',
      endpoints: endpoints([], { labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } }),
      service: without,
      expected: false,
    },
    { name: 'a lock of an election', endpoints: endpoints([], leader), service: without, expected: false },
  ]
  for (const { name, endpoints: object, service, expected } of verdicts) {
    it(name, () => assert.equal(shouldMirror(object, service), expected))
  }
})
