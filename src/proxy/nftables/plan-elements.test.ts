import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { DesiredRoutes, NodeTraffic, RouteChange, RouteEndpoint, ServicePortRoute } from '../backend.ts'
import { elementData, elementKey, renderElement, type Element } from './elements.ts'
import { planAdoption } from './plan-adoption.ts'
import * as mark from './mark.ts'
import { localSuffix, RoutePlanner } from './plan-elements.ts'
import type { PlanUnit } from './plan-unit.ts'

const node: NodeTraffic = { family: 'IPv4', podCidr: '10.244.1.0/24', serviceCidrs: [], masqueradeAll: false }

const endpointAt = (number: number): RouteEndpoint => ({
  address: `10.244.${1 + (number % 3)}.${number}`,
  port: 8080,
  isLocal: number % 3 === 0,
})

function route(name: string, endpoints: readonly number[], more: Partial<ServicePortRoute> = {}): ServicePortRoute {
  const cluster = endpoints.map(endpointAt)
  return {
    key: `default/${name}:http/TCP`,
    protocol: 'TCP',
    clusterIp: `10.96.0.${name.length}`,
    port: 80,
    nodePort: 0,
    externalIps: [],
    loadBalancerIps: [],
    exclusiveIps: [],
    loadBalancerSourceRanges: [],
    internalPolicy: 'Cluster',
    externalPolicy: 'Cluster',
    affinitySeconds: 0,
    cluster,
    local: [],
    serving: [],
    ...more,
  }
}

/** All routes at one time. */
type State = readonly ServicePortRoute[]
const state = (...routes: ServicePortRoute[]): State => routes
const desired = (routes: State): DesiredRoutes => ({ family: 'IPv4', routes })

function changesOf(before: State, after: State): RouteChange[] {
  const keys = new Set([...before, ...after].map(({ key }) => key))
  const at = (routes: State, wanted: string) => routes.find(({ key }) => key === wanted)
  return [...keys].map((key) => ({ key, before: at(before, key), after: at(after, key) }))
}

const upTo = (length: number): number[] => Array.from({ length }, (_, index) => index + 1)

const lines = (units: Iterable<PlanUnit>): string[] =>
  [...units].flatMap(({ removes, adds }) => [
    ...removes.map((element) => `- ${renderElement(element)}`),
    ...adds.map((element) => `+ ${renderElement(element)}`),
  ])

interface PlanCase {
  readonly name: string
  readonly before?: State
  readonly after: State
  readonly plan: readonly string[]
}

/** That of Service web, whose mark tells so many endpoints; 0: map `lists` does. */
const clusterIpFront = (told: number) =>
  `fronts 10.96.0.3 . TCP . 80 : ${1 | mark.shortLength(told) | mark.fromOutsideMasqueraded} # default/web:http/TCP`

/** Has the ClusterIP of Service web among its external IPs. */
const squatter = (...endpoints: number[]) => route('bb', endpoints, { externalIps: ['10.96.0.3'] })
const squattedFront = (number: number) =>
  `fronts 10.96.0.3 . TCP . 80 : ${number | mark.shortLength(1) | mark.masqueraded}`

const cases: readonly PlanCase[] = [
  {
    name: 'a ClusterIP that is an external IP of another Service, which takes it over: without a name',
    before: state(route('web', [1]), squatter(2)),
    after: state(squatter(2)),
    plan: [
      '- slots 1 . 0 : 10.244.2.1 . 8080',
      '- cluster-ips 10.96.0.3',
      `- ${clusterIpFront(1).replace(/ #.*/, '')}`,
      `+ ${squattedFront(2)}`,
    ],
  },
  {
    name: 'a ClusterIP that was an external IP of another Service: under its own name',
    before: state(squatter(2), route('web', [1])),
    after: state(route('web', [1])),
    plan: [
      '- slots 1 . 0 : 10.244.3.2 . 8080',
      '- cluster-ips 10.96.0.2',
      `- fronts 10.96.0.2 . TCP . 80 : ${1 | mark.shortLength(1) | mark.fromOutsideMasqueraded} # default/bb:http/TCP`,
      `- ${squattedFront(1)} # default/web:http/TCP`,
      `+ fronts 10.96.0.3 . TCP . 80 : ${2 | mark.shortLength(1) | mark.fromOutsideMasqueraded} # default/web:http/TCP`,
    ],
  },
  {
    name: 'a Service whose ClusterIP another one has as an external IP keeps its number',
    before: state(squatter(2), route('web', [1])),
    after: state(squatter(2), route('web', [3])),
    plan: ['- slots 2 . 0 : 10.244.2.1 . 8080', '+ slots 2 . 0 : 10.244.1.3 . 8080', '+ hairpin 10.244.1.3'],
  },
  {
    name: 'too many endpoints for a mark: map lists tells',
    before: state(route('web', upTo(31))),
    after: state(route('web', upTo(32))),
    plan: [
      '+ slots 1 . 31 : 10.244.3.32 . 8080',
      '+ lists 1 : lb-32 # default/web:http/TCP',
      `- ${clusterIpFront(31)}`,
      `+ ${clusterIpFront(0)}`,
    ],
  },
  {
    name: 'policy Local inside: the mark tells how many are on this node',
    after: state(route('web', [1, 3], { internalPolicy: 'Local', local: [endpointAt(3)] })),
    plan: [
      '+ slots 1 . 0 : 10.244.2.1 . 8080',
      '+ slots 1 . 1 : 10.244.1.3 . 8080',
      `+ slots ${1 | (1 << 19)} . 0 : 10.244.1.3 . 8080`,
      '+ cluster-ips 10.96.0.3',
      '+ hairpin 10.244.1.3',
      `+ ${clusterIpFront(1).replace(/ : \d+/, ` : ${1 | mark.localList | mark.shortLength(1) | mark.fromOutsideMasqueraded}`)}`,
    ],
  },
  {
    name: 'a load balancer address of its own: other ports are refused there, too',
    before: state(route('web', [1])),
    after: state(route('web', [1], { loadBalancerIps: ['172.30.128.1'], exclusiveIps: ['172.30.128.1'] })),
    plan: [
      '+ cluster-ips 172.30.128.1',
      `+ fronts 172.30.128.1 . TCP . 80 : ${1 | mark.shortLength(1) | mark.masqueraded}`,
    ],
  },
  {
    name: 'a new Service with two endpoints, one of them here',
    after: state(route('web', [1, 3])),
    plan: [
      '+ slots 1 . 0 : 10.244.2.1 . 8080',
      '+ slots 1 . 1 : 10.244.1.3 . 8080',
      '+ cluster-ips 10.96.0.3',
      '+ hairpin 10.244.1.3',
      `+ ${clusterIpFront(2)}`,
    ],
  },
  {
    name: 'the first of three endpoints goes: the last takes its slot',
    before: state(route('web', [1, 2, 4])),
    after: state(route('web', [2, 4])),
    plan: [
      '- slots 1 . 0 : 10.244.2.1 . 8080',
      '- slots 1 . 2 : 10.244.2.4 . 8080',
      `- ${clusterIpFront(3)}`,
      '+ slots 1 . 0 : 10.244.2.4 . 8080',
      `+ ${clusterIpFront(2)}`,
    ],
  },
  {
    name: 'one endpoint replaced: one slot, nothing else',
    before: state(route('web', [1, 2])),
    after: state(route('web', [2, 4])),
    plan: ['- slots 1 . 0 : 10.244.2.1 . 8080', '+ slots 1 . 0 : 10.244.2.4 . 8080'],
  },
  {
    name: 'another order of the same endpoints: nothing',
    before: state(route('web', [1, 2, 4])),
    after: state(route('web', [4, 1, 2])),
    plan: [],
  },
  {
    name: 'the last endpoint goes: refused',
    before: state(route('web', [1])),
    after: state(route('web', [])),
    plan: ['- slots 1 . 0 : 10.244.2.1 . 8080', '+ no-endpoints 10.96.0.3 . TCP . 80', `- ${clusterIpFront(1)}`],
  },
  {
    name: 'affinity: endpoints get numbers',
    after: state(route('web', [1], { affinitySeconds: 60 })),
    plan: [
      '+ affinity-slots 1 . 0 : 1',
      '+ endpoints 1 : 10.244.2.1 . 8080',
      '+ lists 1 : lb-1-for-60s # default/web:http/TCP',
      '+ cluster-ips 10.96.0.3',
      `+ ${clusterIpFront(0)}`,
    ],
  },
  {
    name: 'affinity: a replaced endpoint gets a new number',
    before: state(route('web', [1], { affinitySeconds: 60 })),
    after: state(route('web', [2], { affinitySeconds: 60 })),
    plan: [
      '- affinity-slots 1 . 0 : 1',
      '- endpoints 1 : 10.244.2.1 . 8080'.replace('10.244.2.1', '10.244.2.1'),
      '+ affinity-slots 1 . 0 : 2',
      '+ endpoints 2 : 10.244.3.2 . 8080',
    ],
  },
  {
    name: 'a node port with policy Local has two lists',
    after: state(route('web', [1, 3], { nodePort: 30080, externalPolicy: 'Local', local: [endpointAt(3)] })),
    plan: [
      '+ slots 1 . 0 : 10.244.2.1 . 8080',
      '+ slots 1 . 1 : 10.244.1.3 . 8080',
      '+ lists 1 : lb-2 # default/web:http/TCP',
      `+ slots ${1 | (1 << 19)} . 0 : 10.244.1.3 . 8080`,
      `+ lists ${1 | (1 << 19)} : lb-1 # default/web:http/TCP local`,
      '+ cluster-ips 10.96.0.3',
      '+ hairpin 10.244.1.3',
      `+ ${clusterIpFront(2)}`,
      `+ nodeports TCP . 30080 : ${1 | (1 << 28)}`,
    ],
  },
  {
    name: 'a Service goes: everything of it goes',
    before: state(route('web', [1])),
    after: state(),
    plan: ['- slots 1 . 0 : 10.244.2.1 . 8080', '- cluster-ips 10.96.0.3', `- ${clusterIpFront(1)}`],
  },
]

for (const { name, before = [], after, plan } of cases) {
  test(`plan: ${name}`, () => {
    const planner = new RoutePlanner(node)
    lines(planner.plan(changesOf([], before)))
    assert.deepEqual(lines(planner.plan(changesOf(before, after))).toSorted(), plan.toSorted())
  })
}

test('a chain is asked for once', () => {
  const planner = new RoutePlanner(node)
  let before: State = []
  const chains = (...after: ServicePortRoute[]) => {
    const units = [...planner.plan(changesOf(before, after))]
    before = after
    return units.flatMap((unit) => unit.chains ?? [])
  }
  assert.deepEqual(chains(route('a', [1, 2])), [{ count: 2, affinitySeconds: 0 }])
  assert.deepEqual(chains(route('a', [1, 2]), route('bb', [3, 4])), [])
  assert.deepEqual(chains(route('a', [1])), [{ count: 1, affinitySeconds: 0 }])
})

/** A table as the kernel keeps it: refuses what it would refuse. */
class FakeTable {
  readonly elements = new Map<string, Element>()

  apply(units: Iterable<PlanUnit>): void {
    for (const { removes, adds } of units) {
      for (const element of removes)
        assert.ok(this.elements.delete(elementKey(element)), `gone: ${renderElement(element)}`)
      for (const element of adds) {
        const old = this.elements.get(elementKey(element))
        assert.ok(!old || elementData(old) === elementData(element), `taken: ${renderElement(element)}`)
        this.elements.set(elementKey(element), element)
      }
    }
  }

  /** What connections find: front ends with the set of endpoints behind, without numbers that depend on history. */
  meaning(): string[] {
    const all = [...this.elements.values()]
    const targets = new Map(all.flatMap((one) => (one.map === 'endpoints' ? [[one.endpoint, one]] : [])))
    const behind = (list: number) =>
      all
        .flatMap((one) => {
          if (one.map === 'slots' && one.list === list) return [`${one.address}:${one.port}`]
          if (one.map === 'affinity-slots' && one.list === list) return [targets.get(one.endpoint)!.address]
          return []
        })
        .toSorted()
        .join()
    return all
      .flatMap((one) => {
        if (one.map === 'fronts' || one.map === 'nodeports') {
          const list = one.mark & ((1 << 20) - 1)
          const flags = (one.mark >>> 20).toString(16)
          return [`${elementKey(one)} ${flags} ${behind(list)} local ${behind(list | (1 << 19))}`]
        }
        return one.map === 'cluster-ips' || one.map.startsWith('no-') || one.map === 'hairpin' ? [elementKey(one)] : []
      })
      .toSorted()
  }

  /** Each number has one name, and each name one number. */
  checkNames(): void {
    const named = new Set<string>()
    for (const one of this.elements.values()) {
      if ((one.map !== 'fronts' && one.map !== 'lists') || one.comment === undefined) continue
      const number = (one.map === 'fronts' ? one.mark : one.list) & (mark.maxServicePorts - 1)
      named.add(`${number} ${one.comment.replace(localSuffix, '')}`)
    }
    for (const part of [0, 1]) {
      const parts = [...named].map((pair) => pair.split(' ')[part])
      assert.equal(new Set(parts).size, named.size, [...named].join())
    }
  }

  /** Slots have no gaps, and whoever tells the length of a list is right. */
  checkSlots(): void {
    const slots = new Map<number, number[]>()
    for (const one of this.elements.values()) {
      if (one.map === 'slots' || one.map === 'affinity-slots') {
        slots.set(one.list, [...(slots.get(one.list) ?? []), one.slot])
      }
    }
    for (const places of slots.values()) {
      assert.deepEqual(
        places.toSorted((a, b) => a - b),
        places.map((_, index) => index),
      )
    }
    for (const one of this.elements.values()) {
      if (one.map === 'lists') assert.equal(slots.get(one.list)?.length, one.count)
      if (one.map !== 'fronts' && one.map !== 'nodeports') continue
      const told = (one.mark & mark.lengthMask) >>> 20
      if (told > 0) assert.equal(slots.get(one.mark & mark.listMask)?.length, told)
      else this.#checkLists(one.mark, slots)
    }
  }

  /** The list that a front end names, and with policy Local outside the other one of its service port. */
  #checkLists(front: number, slots: ReadonlyMap<number, unknown>): void {
    const list = front & mark.listMask
    for (const one of front & mark.externalLocal ? [list, list | mark.localList] : [list]) {
      assert.equal(this.elements.has(`lists ${one}`), slots.has(one), `list ${one}`)
    }
  }
}

const someRoute = fc.record({
  name: fc.constantFrom('a', 'bb', 'ccc', 'dddd'),
  sharesIp: fc.constantFrom(false, false, true),
  endpoints: fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { maxLength: 6 }),
  affinitySeconds: fc.constantFrom(0, 0, 60, 120),
  nodePort: fc.constantFrom(0, 30080, 30081),
  externalIps: fc.constantFrom([], ['10.1.1.1']),
  externalPolicy: fc.constantFrom('Cluster' as const, 'Local' as const),
  internalPolicy: fc.constantFrom('Cluster' as const, 'Local' as const),
})
const someState = fc.uniqueArray(someRoute, { selector: ({ name }) => name, maxLength: 4 }).map((routes): State =>
  routes.map(({ name, endpoints, sharesIp, ...more }) =>
    route(name, endpoints, {
      ...more,
      ...(sharesIp && { clusterIp: '10.1.1.1' }),
      local: endpoints.map(endpointAt).filter(({ isLocal }) => isLocal),
    }),
  ),
)

/** Who wins a front end that several claim depends on history; states without such claims have one meaning. */
const hasNoCollision = (routes: State): boolean => {
  const claims = routes.flatMap(({ clusterIp, nodePort, externalIps }) => [
    clusterIp,
    ...(nodePort === 0 ? [] : [String(nodePort)]),
    ...externalIps,
  ])
  return new Set(claims).size === claims.length
}

test('whatever came before, the table means what was asked for last', () => {
  fc.assert(
    fc.property(fc.array(someState, { minLength: 1, maxLength: 6 }), (states) => {
      const table = new FakeTable()
      const atOnce = new FakeTable()
      const planner = new RoutePlanner(node)
      let before: State = []
      for (const after of states) {
        const units = [...planner.plan(changesOf(before, after))]
        before = after
        table.apply(units)
        atOnce.apply([{ removes: units.flatMap(({ removes }) => removes), adds: units.flatMap(({ adds }) => adds) }])
        assert.deepEqual(atOnce.elements, table.elements, 'the same in one transaction, where removals come first')
        table.checkSlots()
        table.checkNames()
        assert.deepEqual(lines(planner.plan(changesOf(after, after))), [], 'the second time changes nothing')
        if (!hasNoCollision(after)) continue
        const fresh = new FakeTable()
        fresh.apply(new RoutePlanner(node).plan(changesOf([], after)))
        assert.deepEqual(table.meaning(), fresh.meaning())
      }
    }),
    { numRuns: 300 },
  )
})

test('adoption of any table leads to what was asked for, and of the right one changes nothing', () => {
  fc.assert(
    fc.property(someState, someState, fc.nat(), (before, after, damage) => {
      const table = new FakeTable()
      table.apply(new RoutePlanner(node).plan(changesOf([], before)))
      const listed = [...table.elements.values()].filter((_, index) => (index * 7 + damage) % 5 !== 0)
      const damaged = new FakeTable()
      for (const element of listed) damaged.elements.set(elementKey(element), element)
      const adoption = planAdoption(node, desired(after), listed, 0)
      damaged.apply(adoption.units)
      damaged.checkSlots()
      const again = planAdoption(node, desired(after), [...damaged.elements.values()], 0)
      if (hasNoCollision(after)) assert.deepEqual(lines(again.units), [])
      damaged.apply(adoption.planner.plan(changesOf(after, before)))
      damaged.checkSlots()
    }),
    { numRuns: 300 },
  )
})
