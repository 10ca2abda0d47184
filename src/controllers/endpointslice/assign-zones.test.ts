import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { sampleNode } from '../sample-objects.ts'
import { assignZones } from './assign-zones.ts'
import { zoneLabel, zoneShares } from './zone-shares.ts'

const shares = (...parts: number[]) => new Map(parts.map((part, index) => [String.fromCharCode(97 + index), part]))
const endpoints = (...counts: number[]) =>
  counts.flatMap((count, index) => {
    const zone = String.fromCharCode(97 + index)
    return Array.from({ length: count }, (_, i) => ({ key: `${zone}${String(i).padStart(4, '0')}`, zone }))
  })
/** How many endpoints serve each zone, and how many of them from elsewhere. */
const summary = (zones: ReadonlyMap<string, string>) => {
  const served = Map.groupBy(zones, ([, zone]) => zone)
  const moved = [...zones].filter(([key, zone]) => !key.startsWith(zone)).length
  return {
    served: Object.fromEntries(
      [...served].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([zone, keys]) => [zone, keys.length]),
    ),
    moved,
  }
}

const third = 1 / 3
const cases = [
  {
    name: 'even: nothing moves',
    from: endpoints(1, 1, 1),
    by: shares(third, third, third),
    served: { a: 1, b: 1, c: 1 },
    moved: 0,
  },
  {
    name: 'within the overload: nothing moves',
    from: endpoints(11, 9),
    by: shares(0.5, 0.5),
    served: { a: 11, b: 9 },
    moved: 0,
  },
  {
    name: 'beyond it: filled up to the share',
    from: endpoints(14, 6),
    by: shares(0.5, 0.5),
    served: { a: 10, b: 10 },
    moved: 4,
  },
  {
    name: 'a zone without endpoints is served by others',
    from: endpoints(3, 3, 0),
    by: shares(third, third, third),
    served: { a: 2, b: 2, c: 2 },
    moved: 2,
  },
  { name: 'uneven zones', from: endpoints(10, 10), by: shares(0.75, 0.25), served: { a: 15, b: 5 }, moved: 5 },
  {
    name: 'a zone without ready nodes serves others',
    from: endpoints(2, 2, 2),
    by: shares(0.5, 0.5),
    served: { a: 3, b: 3 },
    moved: 2,
  },
]

const refusals = [
  { name: 'no shares', from: endpoints(2, 2), by: undefined, problem: /^Insufficient Node information/ },
  { name: 'one zone', from: endpoints(4), by: shares(1), problem: /^Nodes only ready in one zone/ },
  {
    name: 'fewer endpoints than zones',
    from: endpoints(1, 1),
    by: shares(third, third, third),
    problem: /^Insufficient number of endpoints \(2 endpoints, 3 zones\)/,
  },
  {
    name: 'an endpoint without zone',
    from: [...endpoints(3, 2), { key: 'x', zone: undefined }],
    by: shares(0.5, 0.5),
    problem: /^One or more endpoints do not have a zone/,
  },
  {
    name: 'minima that do not fit',
    from: endpoints(3, 2),
    by: shares(0.5, 0.5),
    problem: /without exceeding overload threshold \(5 endpoints, 2 zones\)/,
  },
]

describe('assignZones', () => {
  for (const { name, from, by, ...expected } of cases) {
    it(name, () => assert.deepEqual(summary(assignZones(from, by).zones!), expected))
  }
  for (const { name, from, by, problem } of refusals) {
    it(`refused: ${name}`, () => assert.match(assignZones(from, by).problem ?? '', problem))
  }

  it('serves every endpoint once, leaves no zone below its minimum, and changes nothing when asked again', () => {
    const counts = fc.array(fc.nat(30), { minLength: 2, maxLength: 5 })
    fc.assert(
      fc.property(counts, fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 2, maxLength: 5 }), (have, cpus) => {
        const total = cpus.reduce((sum, cpu) => sum + cpu, 0)
        const by = shares(...cpus.map((cpu) => cpu / total))
        const from = endpoints(...have)
        const { zones, problem } = assignZones(from, by)
        if (!zones) return problem !== undefined
        const { served } = summary(zones)
        assert.equal(zones.size, from.length)
        for (const [zone, share] of by) assert.ok((served[zone] ?? 0) * 1.2 >= share * from.length - 1e-6)
        const again = from.map((endpoint) => ({ ...endpoint, former: zones.get(endpoint.key)! }))
        assert.deepEqual(assignZones(again, by).zones, zones)
        return true
      }),
    )
  })

  it('a new endpoint changes few hints', () => {
    const first = assignZones(endpoints(6, 0), shares(0.5, 0.5)).zones!
    const more = endpoints(7, 0).map((endpoint) => {
      const former = first.get(endpoint.key)
      return former === undefined ? endpoint : { ...endpoint, former }
    })
    const second = assignZones(more, shares(0.5, 0.5)).zones!
    assert.equal([...first].filter(([key, zone]) => second.get(key) !== zone).length, 0)
  })
})

describe('zoneShares', () => {
  const node = (name: string, zone: string | undefined, cpu: string, labels: object = {}) => {
    const made = sampleNode(name, {}, { ...(zone && { [zoneLabel]: zone }), ...labels })
    return { ...made, status: { ...made.status, allocatable: { cpu } } }
  }
  const controlPlane = { 'node-role.kubernetes.io/control-plane': '' }
  it('is by allocatable cpu of ready workers', () => {
    const nodes = [node('1', 'a', '2'), node('2', 'a', '1'), node('3', 'b', '1000m'), node('4', 'c', '8', controlPlane)]
    const away = { ...node('5', 'd', '8'), status: { conditions: [{ type: 'Ready', status: 'Unknown' as const }] } }
    assert.deepEqual(
      zoneShares([...nodes, away]),
      new Map([
        ['a', 0.75],
        ['b', 0.25],
      ]),
    )
  })
  it('is unknown while a node has no zone, or no cpu', () => {
    assert.equal(zoneShares([node('1', 'a', '2'), node('2', undefined, '1')]), undefined)
    assert.equal(zoneShares([node('1', 'a', '2'), node('2', 'b', '0')]), undefined)
  })
})
