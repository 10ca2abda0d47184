/** Services and what the controllers make of them, told as stories over a whole control plane. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { EndpointSlice } from '#api/endpoint-slice.ts'
import { Endpoints } from '#api/endpoints.ts'
import { Event } from '#api/event.ts'
import { IPAddress } from '#api/ip-address.ts'
import { Node } from '#api/node.ts'
import { Pod } from '#api/pod.ts'
import { ServiceCIDR } from '#api/service-cidr.ts'
import { Service } from '#api/service.ts'
import { isNotFound } from '#api/status-error.ts'
import { bootCluster } from './boot.ts'
import type { BootOptions, TestCluster } from './boot.ts'
import { pod, service } from './sample-workloads.ts'

const namespace = 'default'
const web = { namespace, name: 'web' }
const zone = (name: string) => ({ labels: { 'topology.kubernetes.io/zone': name } })
const zones = { nodes: { a1: zone('a'), b1: zone('b'), c1: zone('c') } }

async function slicesOfWeb({ client }: TestCluster) {
  const { items } = await client.of(EndpointSlice).list({ namespace, labelSelector: 'kubernetes.io/service-name=web' })
  return items
}

/** `pod zones;nodes` of every endpoint. */
async function hintsOf(cluster: TestCluster): Promise<string[]> {
  const endpoints = (await slicesOfWeb(cluster)).flatMap((slice) => slice.endpoints ?? [])
  return endpoints
    .map(({ targetRef, hints }) => {
      const names = (list: readonly { name: string }[] = []) => list.map(({ name }) => name).join(',')
      return hints ? `${targetRef?.name} ${names(hints.forZones)};${names(hints.forNodes)}` : `${targetRef?.name} -`
    })
    .toSorted()
}

async function eventsOf({ client }: TestCluster, kind: string, name: string): Promise<string[]> {
  const fieldSelector = `involvedObject.kind=${kind},involvedObject.name=${name}`
  const { items } = await client.of(Event).list({ fieldSelector })
  return items.map(({ reason = '' }) => reason)
}

async function withPods(options: BootOptions, pods: Readonly<Record<string, string>>, spec: object, annotations = {}) {
  const cluster = await bootCluster(options)
  for (const [name, nodeName] of Object.entries(pods)) await cluster.client.of(Pod).create(pod(name, { nodeName }))
  const draft = service({ ports: [{ port: 80 }], ...spec })
  await cluster.client.of(Service).create({ ...draft, metadata: { ...draft.metadata, annotations } })
  await cluster.settle()
  return cluster
}

describe('zones and nodes of endpoints', () => {
  const pods = { p1: 'a1', p2: 'b1', p3: 'c1' }
  const auto = { 'service.kubernetes.io/topology-mode': 'Auto' }
  const cases: readonly { name: string; spec?: object; annotations?: object; expected: readonly string[] }[] = [
    { name: 'nothing asked for', expected: ['p1 -', 'p2 -', 'p3 -'] },
    { name: 'PreferSameZone', spec: { trafficDistribution: 'PreferSameZone' }, expected: ['p1 a;', 'p2 b;', 'p3 c;'] },
    { name: 'PreferClose', spec: { trafficDistribution: 'PreferClose' }, expected: ['p1 a;', 'p2 b;', 'p3 c;'] },
    {
      name: 'PreferSameNode',
      spec: { trafficDistribution: 'PreferSameNode' },
      expected: ['p1 a;a1', 'p2 b;b1', 'p3 c;c1'],
    },
    { name: 'topology-mode Auto', annotations: auto, expected: ['p1 a;', 'p2 b;', 'p3 c;'] },
    {
      name: 'Auto overrides a distribution',
      spec: { trafficDistribution: 'PreferSameNode' },
      annotations: auto,
      expected: ['p1 a;', 'p2 b;', 'p3 c;'],
    },
    {
      name: 'another mode',
      annotations: { 'service.kubernetes.io/topology-mode': 'Disabled' },
      expected: ['p1 -', 'p2 -', 'p3 -'],
    },
  ]
  for (const { name, spec = {}, annotations = {}, expected } of cases) {
    it(name, async () => {
      await using cluster = await withPods(zones, pods, spec, annotations)
      assert.deepEqual(await hintsOf(cluster), expected)
    })
  }

  it('Auto says when hints come, why they go, and when they are not wanted any more', async () => {
    await using cluster = await withPods(zones, pods, {}, auto)
    assert.deepEqual(await eventsOf(cluster, 'Service', 'web'), ['TopologyAwareHintsEnabled'])
    await cluster.client.of(Pod).delete({ namespace, name: 'p3' })
    await cluster.settle()
    assert.deepEqual(await hintsOf(cluster), ['p1 -', 'p2 -'])
    assert.deepEqual(await eventsOf(cluster, 'Service', 'web'), [
      'TopologyAwareHintsEnabled',
      'TopologyAwareHintsDisabled',
    ])
    await cluster.client.of(Pod).create(pod('p4', { nodeName: 'a1' }))
    await cluster.settle()
    const counts = Map.groupBy(await hintsOf(cluster), (hint) => hint.split(' ')[1] ?? '')
    assert.deepEqual([...counts.keys()].toSorted(), ['a;', 'b;', 'c;'], 'the zone without endpoints is served too')
    const annotations = { 'service.kubernetes.io/topology-mode': null }
    await cluster.client.of(Service).patch(web, 'merge', { metadata: { annotations } })
    await cluster.settle()
    assert.deepEqual(await hintsOf(cluster), ['p1 -', 'p2 -', 'p4 -'])
  })

  it('follow the zone of a node, also when it comes late', async () => {
    await using cluster = await withPods({ nodes: { a1: {} } }, { p1: 'a1' }, { trafficDistribution: 'PreferSameZone' })
    assert.deepEqual(await hintsOf(cluster), ['p1 -'])
    await cluster.client.of(Node).patch({ name: 'a1' }, 'merge', { metadata: zone('x') })
    await cluster.settle()
    assert.deepEqual(await hintsOf(cluster), ['p1 x;'])
  })

  it('are taken from endpoints when the Service does not want them any more', async () => {
    await using cluster = await withPods(zones, pods, { trafficDistribution: 'PreferSameNode' })
    await cluster.client.of(Service).patch(web, 'merge', { spec: { trafficDistribution: null } })
    await cluster.settle()
    assert.deepEqual(await hintsOf(cluster), ['p1 -', 'p2 -', 'p3 -'])
  })
})

describe('slices of a Service', () => {
  it('come when an ExternalName becomes a ClusterIP, and stay when it goes back', async () => {
    const name = { type: 'ExternalName' as const, externalName: 'a.example' }
    await using cluster = await withPods({}, { p1: 'node-1' }, name)
    assert.deepEqual(await slicesOfWeb(cluster), [])
    const services = cluster.client.of(Service)
    await services.patch(web, 'merge', { spec: { type: 'ClusterIP', externalName: null } })
    await cluster.settle()
    assert.equal((await slicesOfWeb(cluster))[0]?.endpoints?.length, 1)
    await services.patch(web, 'merge', { spec: name })
    await cluster.settle()
    assert.equal((await slicesOfWeb(cluster)).length, 1)
  })

  it('are left to the user when the selector goes', async () => {
    await using cluster = await withPods({}, { p1: 'node-1' }, {})
    await cluster.client.of(Service).patch(web, 'merge', { spec: { selector: null } })
    await cluster.client.of(Pod).delete({ namespace, name: 'p1' })
    await cluster.settle()
    const slices = await slicesOfWeb(cluster)
    assert.ok(slices.some(({ endpoints = [] }) => endpoints.some(({ targetRef }) => targetRef?.name === 'p1')))
  })

  it('carry the labels of the Service, and say when it is headless', async () => {
    await using cluster = await withPods({}, {}, { clusterIP: 'None' })
    await cluster.client.of(Service).patch(web, 'merge', { metadata: { labels: { team: 'x' } } })
    await cluster.settle()
    for (const { metadata } of [...(await slicesOfWeb(cluster)), await cluster.client.of(Endpoints).get(web)]) {
      assert.equal(metadata.labels?.['team'], 'x')
      assert.equal(metadata.labels?.['service.kubernetes.io/headless'], '')
    }
  })

  it('of the user’s own are not touched', async () => {
    await using cluster = await withPods({}, {}, { selector: null as never })
    const draft = (name: string, address: string, port: number) => ({
      metadata: { name, namespace, labels: { 'kubernetes.io/service-name': 'web' } },
      addressType: 'IPv4' as const,
      endpoints: [{ addresses: [address] }],
      ports: [{ name: name, port }],
    })
    await cluster.client.of(EndpointSlice).create(draft('one', '192.0.2.1', 80))
    await cluster.client.of(EndpointSlice).create(draft('two', '192.0.2.1', 81))
    await cluster.settle()
    assert.deepEqual(
      (await slicesOfWeb(cluster)).map(({ metadata }) => metadata.name),
      ['one', 'two'],
    )
    assert.deepEqual(
      (await slicesOfWeb(cluster)).map(({ metadata }) => metadata.generation),
      [1, 1],
    )
    await assert.rejects(cluster.client.of(Endpoints).get(web), isNotFound)
  })

  it('that are damaged are mended', async () => {
    await using cluster = await withPods({}, { p1: 'node-1' }, {})
    const [slice] = await slicesOfWeb(cluster)
    await cluster.client
      .of(EndpointSlice)
      .patch(slice!.metadata, 'merge', { endpoints: [{ addresses: ['192.0.2.9'] }] })
    await cluster.settle()
    const [mended] = await slicesOfWeb(cluster)
    assert.deepEqual(mended?.endpoints, slice!.endpoints)
    await cluster.client.of(EndpointSlice).delete(mended!.metadata)
    await cluster.settle()
    assert.deepEqual((await slicesOfWeb(cluster))[0]?.endpoints, slice!.endpoints)
  })

  it('show pods that are not ready as ready, where the Service says so', async () => {
    await using cluster = await withPods({}, {}, { publishNotReadyAddresses: true })
    cluster.kubelet.breakImage('v1')
    await cluster.client.of(Pod).create(pod('p1', { nodeName: 'node-1' }))
    await cluster.settle()
    const conditions = async () => (await slicesOfWeb(cluster))[0]?.endpoints?.[0]?.conditions
    assert.deepEqual(await conditions(), { ready: true, serving: false, terminating: false })
    assert.equal((await cluster.client.of(Endpoints).get(web)).subsets?.[0]?.addresses?.length, 1)
    await cluster.client.of(Service).patch(web, 'merge', { spec: { publishNotReadyAddresses: false } })
    await cluster.settle()
    assert.deepEqual(await conditions(), { ready: false, serving: false, terminating: false })
    assert.equal((await cluster.client.of(Endpoints).get(web)).subsets?.[0]?.notReadyAddresses?.length, 1)
  })

  it('are not made while the Service is on its way out', async () => {
    await using cluster = await withPods({}, {}, {})
    const metadata = { finalizers: ['a.example/b'] }
    await cluster.client.of(Service).patch(web, 'merge', { metadata })
    await cluster.client.of(Service).delete(web)
    await cluster.settle()
    const [slice] = await slicesOfWeb(cluster)
    await cluster.client.of(EndpointSlice).delete(slice!.metadata)
    await cluster.settle()
    assert.deepEqual(await slicesOfWeb(cluster), [])
    await cluster.client.of(Service).patch(web, 'merge', { metadata: { finalizers: null } })
    await cluster.settle()
    await assert.rejects(cluster.client.of(Service).get(web), isNotFound)
  })
})

describe('copies of hand-made Endpoints', () => {
  const draft = { metadata: web, subsets: [{ addresses: [{ ip: '192.0.2.1' }], ports: [{ name: 'a', port: 9 }] }] }
  const addresses = async (cluster: TestCluster) =>
    (await slicesOfWeb(cluster)).flatMap(({ endpoints = [] }) => endpoints.flatMap((endpoint) => endpoint.addresses))

  it('follow creation, change and deletion', async () => {
    await using cluster = await withPods({}, {}, { selector: null as never })
    const endpoints = cluster.client.of(Endpoints)
    await endpoints.create(draft)
    await cluster.settle()
    const [slice] = await slicesOfWeb(cluster)
    assert.deepEqual(await addresses(cluster), ['192.0.2.1'])
    assert.equal(
      slice?.metadata.labels?.['endpointslice.kubernetes.io/managed-by'],
      'endpointslicemirroring-controller.k8s.io',
    )
    assert.equal(slice?.metadata.ownerReferences?.[0]?.kind, 'Endpoints')
    await endpoints.patch(web, 'merge', { subsets: [{ ...draft.subsets[0], addresses: [{ ip: '192.0.2.2' }] }] })
    await cluster.settle()
    assert.deepEqual(await addresses(cluster), ['192.0.2.2'])
    assert.equal((await slicesOfWeb(cluster))[0]?.metadata.name, slice?.metadata.name)
    await endpoints.delete(web)
    await cluster.settle()
    assert.deepEqual(await slicesOfWeb(cluster), [])
  })

  it('go when the Service gets a selector, and come when it loses it', async () => {
    await using cluster = await withPods({}, {}, { selector: null as never })
    await cluster.client.of(Endpoints).create(draft)
    await cluster.settle()
    const select = (selector: object | null) => cluster.client.of(Service).patch(web, 'merge', { spec: { selector } })
    await select({ app: 'nobody' })
    await cluster.settle()
    assert.deepEqual(await addresses(cluster), [])
    const managers = (await slicesOfWeb(cluster)).map(
      ({ metadata }) => metadata.labels?.['endpointslice.kubernetes.io/managed-by'],
    )
    assert.deepEqual(managers, ['endpointslice-controller.k8s.io'])
    await select(null)
    await cluster.client.of(Endpoints).patch(web, 'merge', { subsets: draft.subsets })
    await cluster.settle()
    assert.deepEqual(await addresses(cluster), ['192.0.2.1'])
  })

  it('are a thousand addresses, and the rest is told', async () => {
    await using cluster = await withPods({}, {}, { selector: null as never })
    const many = Array.from({ length: 1001 }, (_, i) => ({ ip: `10.9.${i >> 8}.${i & 255}` }))
    await cluster.client.of(Endpoints).create({ ...draft, subsets: [{ addresses: many, ports: [{ port: 9 }] }] })
    await cluster.settle()
    assert.deepEqual(
      (await slicesOfWeb(cluster)).map(({ endpoints }) => endpoints?.length),
      [1000],
    )
    assert.deepEqual(await eventsOf(cluster, 'Endpoints', 'web'), ['TooManyAddressesToMirror'])
  })
})

describe('ranges of cluster IPs', () => {
  const dual = ['10.96.0.0/16', 'fd00:96::/112']

  it('the default one is put back when it was taken away', async () => {
    await using cluster = await bootCluster()
    const cidrs = cluster.client.of(ServiceCIDR)
    await cidrs.create({ metadata: { name: 'whole' }, spec: { cidrs: ['10.0.0.0/8'] } })
    await cluster.settle()
    const { uid } = (await cidrs.get({ name: 'kubernetes' })).metadata
    await cidrs.delete({ name: 'kubernetes' })
    // Nobody needs it, as another contains it; the controller's grace period is cut short.
    await cidrs.patch({ name: 'kubernetes' }, 'merge', { metadata: { finalizers: null } })
    await cluster.settle()
    const found = await cidrs.get({ name: 'kubernetes' })
    assert.notEqual(found.metadata.uid, uid)
    assert.deepEqual(found.spec.cidrs, ['10.96.0.0/16'])
    assert.equal(found.status?.conditions?.find(({ type }) => type === 'Ready')?.status, 'True')
  })

  it('the default one gets a second family, and Services get two addresses only when asked', async () => {
    await using cluster = await bootCluster({ serviceCidrs: dual })
    const { client } = cluster
    assert.deepEqual((await client.of(ServiceCIDR).get({ name: 'kubernetes' })).spec.cidrs, dual)
    const { spec } = await client.of(Service).create(service({ ipFamilyPolicy: 'PreferDualStack' }))
    assert.deepEqual(spec.ipFamilies, ['IPv4', 'IPv6'])
    assert.deepEqual((await client.of(Service).create(service({}, 'plain'))).spec.ipFamilies, ['IPv4'])
    await cluster.settle()
    assert.deepEqual((await slicesOfWeb(cluster)).map(({ addressType }) => addressType).toSorted(), ['IPv4', 'IPv6'])
    await client.of(Service).patch(web, 'merge', { spec: { ipFamilyPolicy: 'SingleStack' } })
    await cluster.settle()
    assert.deepEqual(
      (await slicesOfWeb(cluster)).map(({ addressType }) => addressType),
      ['IPv4'],
    )
    await assert.rejects(client.of(IPAddress).get({ name: spec.clusterIPs![1]! }), isNotFound)
  })

  it('the default one that is another than the cluster was made with is told, not changed', async () => {
    await using cluster = await bootCluster({ serviceCidrs: ['10.200.0.0/16'] })
    assert.deepEqual((await cluster.client.of(ServiceCIDR).get({ name: 'kubernetes' })).spec.cidrs, ['10.96.0.0/16'])
    assert.deepEqual(await eventsOf(cluster, 'ServiceCIDR', 'kubernetes'), ['KubernetesDefaultServiceCIDRInconsistent'])
  })

  it('one without dependants goes after its grace, one whose addresses another has too goes as well', async () => {
    let nowMs = Date.now()
    await using cluster = await bootCluster({ clock: { nowMs: () => nowMs } })
    const cidrs = cluster.client.of(ServiceCIDR)
    for (const name of ['empty', 'shared', 'twin']) {
      const cidr = name === 'empty' ? '10.201.0.0/24' : '10.202.0.0/24'
      await cidrs.create({ metadata: { name }, spec: { cidrs: [cidr] } })
    }
    await cluster.settle()
    await cluster.client.of(Service).create(service({ clusterIP: '10.202.0.7' }))
    for (const name of ['empty', 'shared']) await cidrs.delete({ name })
    await cluster.settle()
    assert.equal((await cidrs.list()).items.length, 4)
    nowMs += 11_000
    await cidrs.patch({ name: 'empty' }, 'merge', { metadata: { labels: { again: 'x' } } })
    await cluster.settle()
    assert.deepEqual(
      (await cidrs.list()).items.map(({ metadata }) => metadata.name),
      ['kubernetes', 'twin'],
    )
    assert.equal((await cluster.client.of(Service).get(web)).spec.clusterIP, '10.202.0.7')
  })
})

describe('repair of cluster IPs', () => {
  it('an address that was given to somebody else by hand is given back', async () => {
    await using cluster = await bootCluster()
    const { client } = cluster
    const { spec } = await client.of(Service).create(service())
    const name = spec.clusterIP!
    await cluster.settle()
    await client.of(IPAddress).delete({ name })
    await client.of(IPAddress).create({ metadata: { name }, spec: { parentRef: { resource: 'routers', name: 'r' } } })
    await cluster.settle()
    const { parentRef } = (await client.of(IPAddress).get({ name })).spec
    assert.deepEqual([parentRef?.resource, parentRef?.name], ['services', 'web'])
    assert.ok((await eventsOf(cluster, 'Service', 'web')).includes('ClusterIPNotAllocated'))
  })

  it('an address of the allocator that no Service has goes after a minute', async () => {
    let nowMs = Date.now()
    await using cluster = await bootCluster({ clock: { nowMs: () => nowMs } })
    const addresses = cluster.client.of(IPAddress)
    const name = '10.96.7.7'
    const labels = { 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' }
    const parentRef = { resource: 'services', namespace, name: 'gone' }
    await addresses.create({ metadata: { name, labels }, spec: { parentRef } })
    await cluster.settle()
    await addresses.get({ name })
    nowMs += 61_000
    await addresses.patch({ name }, 'merge', { metadata: { annotations: { a: 'b' } } })
    await cluster.settle()
    await assert.rejects(addresses.get({ name }), isNotFound)
    assert.deepEqual(await eventsOf(cluster, 'IPAddress', name), ['IPAddressNotAllocated'])
  })
})
