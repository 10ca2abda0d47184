import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { EndpointSlice } from '#api/endpoint-slice.ts'
import type { Draft } from '#client/contract.ts'
import { sampleNode, samplePod, sampleService } from '../sample-objects.ts'
import type { SamplePod } from '../sample-objects.ts'
import { desiredEndpoints } from './desired-endpoints.ts'
import { planSlices } from './plan-slices.ts'
import { sliceIdentity } from './slice-identity.ts'

const node = sampleNode('node-1', {}, { 'topology.kubernetes.io/zone': 'a' })
const findNode = (name: string) => (name === 'node-1' ? node : undefined)
const pod = (n: number, options: SamplePod = {}) =>
  samplePod(`web-${n}`, { ip: `10.0.${n >> 8}.${n & 255}`, node: 'node-1', ...options })
const pods = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => pod(from + i))

function plan(existing: EndpointSlice[], wanted: ReturnType<typeof pod>[], service = sampleService()) {
  const desired = desiredEndpoints({ service, pods: wanted, findNode })
  return planSlices({ identity: sliceIdentity(service, undefined), existing, desired })
}

/** The slices as they would be stored after the plan. */
function stored(drafts: readonly Draft<EndpointSlice>[], firstName = 0): EndpointSlice[] {
  return drafts.map((draft, index) => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    ...draft,
    metadata: { ...draft.metadata, name: `web-${firstName + index}` },
  })) as EndpointSlice[]
}

const sizes = (slices: readonly Draft<EndpointSlice>[]) => slices.map(({ endpoints }) => endpoints?.length ?? 0)

describe('planSlices', () => {
  const full = stored(plan([], pods(0, 250)).create)
  const half = stored(plan([], pods(0, 50)).create)
  const cases = [
    { name: 'no pods: one empty placeholder', existing: [], wanted: [], create: [0], update: [], removed: 0 },
    {
      name: 'placeholder stays',
      existing: stored(plan([], []).create),
      wanted: [],
      create: [],
      update: [],
      removed: 0,
    },
    {
      name: 'slices hold at most 100',
      existing: [],
      wanted: pods(0, 250),
      create: [100, 100, 50],
      update: [],
      removed: 0,
    },
    {
      name: 'nothing changed: nothing written',
      existing: full,
      wanted: pods(0, 250),
      create: [],
      update: [],
      removed: 0,
    },
    {
      name: 'one more goes where there is room',
      existing: full,
      wanted: pods(0, 251),
      create: [],
      update: [51],
      removed: 0,
    },
    { name: 'one less touches one slice', existing: full, wanted: pods(1, 250), create: [], update: [99], removed: 0 },
    {
      name: 'replacement fills the slice that is written anyway',
      existing: full,
      wanted: pods(1, 251),
      create: [],
      update: [100],
      removed: 0,
    },
    { name: 'an emptied slice is removed', existing: full, wanted: pods(100, 250), create: [], update: [], removed: 1 },
    {
      name: 'many new ones: an untouched slice is left alone',
      existing: half,
      wanted: pods(0, 170),
      create: [100],
      update: [70],
      removed: 0,
    },
    {
      name: 'all pods gone: the last slice becomes the placeholder',
      existing: half,
      wanted: [],
      create: [],
      update: [0],
      removed: 0,
    },
    {
      name: 'the first pod takes the placeholder',
      existing: stored(plan([], []).create),
      wanted: pods(0, 1),
      create: [],
      update: [1],
      removed: 0,
    },
  ]
  for (const { name, existing, wanted, create, update, removed } of cases) {
    it(name, () => {
      const result = plan(existing, wanted)
      assert.deepEqual(
        { create: sizes(result.create), update: sizes(result.update), removed: result.delete.length },
        { create, update, removed },
      )
    })
  }

  it('gives pods with different port numbers different slices', () => {
    const service = sampleService({ ports: [{ name: 'http', port: 80, targetPort: 'http' }] })
    const named = (n: number, containerPort: number) =>
      pod(n, { spec: { containers: [{ name: 'main', ports: [{ name: 'http', containerPort }] }] } })
    const { create } = plan([], [named(1, 8080), named(2, 9090), pod(3)], service)
    assert.deepEqual(
      create.map(({ ports, endpoints }) => [ports?.[0]?.port, endpoints?.[0]?.addresses[0]]),
      [
        [8080, '10.0.0.1'],
        [9090, '10.0.0.2'],
        [undefined, '10.0.0.3'],
      ],
    )
  })

  it('carries labels of the Service, and rewrites slices when they change', () => {
    const headless = sampleService(
      { clusterIP: 'None' },
      { labels: { team: 'x', 'kubernetes.io/service-name': 'lie' } },
    )
    const [draft] = plan([], pods(0, 1), headless).create
    assert.deepEqual(draft?.metadata.labels, {
      team: 'x',
      'kubernetes.io/service-name': 'web',
      'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
      'service.kubernetes.io/headless': '',
    })
    assert.deepEqual(sizes(plan(half, pods(0, 50), sampleService({}, { labels: { team: 'y' } })).update), [50])
  })
})

describe('desiredEndpoints', () => {
  const cases: { name: string; pod: SamplePod; spec?: object; endpoint: object | undefined }[] = [
    { name: 'ready', pod: {}, endpoint: { conditions: { ready: true, serving: true, terminating: false } } },
    {
      name: 'not ready',
      pod: { ready: false },
      endpoint: { conditions: { ready: false, serving: false, terminating: false } },
    },
    {
      name: 'terminating but serving',
      pod: { deleting: true },
      endpoint: { conditions: { ready: false, serving: true, terminating: true } },
    },
    {
      name: 'publishNotReadyAddresses',
      pod: { ready: false, deleting: true },
      spec: { publishNotReadyAddresses: true },
      endpoint: { conditions: { ready: true, serving: false, terminating: true } },
    },
    { name: 'finished pods leave', pod: { phase: 'Failed' }, endpoint: undefined },
    { name: 'node unknown', pod: { node: 'gone' }, endpoint: undefined },
    {
      name: 'hostname under its subdomain',
      pod: { spec: { hostname: 'a', subdomain: 'web' } },
      endpoint: { hostname: 'a' },
    },
    {
      name: 'hostname of another subdomain',
      pod: { spec: { hostname: 'a', subdomain: 'other' } },
      endpoint: { hostname: undefined },
    },
    {
      name: 'zone hint',
      pod: {},
      spec: { trafficDistribution: 'PreferClose' },
      endpoint: { hints: { forZones: [{ name: 'a' }] } },
    },
    {
      name: 'node hint',
      pod: {},
      spec: { trafficDistribution: 'PreferSameNode' },
      endpoint: { hints: { forZones: [{ name: 'a' }], forNodes: [{ name: 'node-1' }] } },
    },
    {
      name: 'no hint for an endpoint that is not ready',
      pod: { ready: false },
      spec: { trafficDistribution: 'PreferClose' },
      endpoint: { hints: undefined },
    },
  ]
  for (const { name, pod: options, spec = {}, endpoint } of cases) {
    it(name, () => {
      const [desired] = desiredEndpoints({ service: sampleService(spec), pods: [pod(1, options)], findNode })
      const found = [...desired!.groups.values()][0]?.endpoints[0]
      if (!endpoint) return assert.equal(found, undefined)
      for (const [field, value] of Object.entries(endpoint)) {
        assert.deepEqual(found?.[field as keyof typeof found], value, field)
      }
    })
  }

  it('makes one set of endpoints per family', () => {
    const dual = pod(1)
    dual.status!.podIPs = [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }]
    const service = sampleService({ ipFamilies: ['IPv6', 'IPv4'] })
    const addresses = desiredEndpoints({ service, pods: [dual], findNode }).map(({ family, groups }) => [
      family,
      [...groups.values()][0]?.endpoints[0]?.addresses,
    ])
    assert.deepEqual(addresses, [
      ['IPv6', ['fd00::1']],
      ['IPv4', ['10.0.0.1']],
    ])
  })
})
