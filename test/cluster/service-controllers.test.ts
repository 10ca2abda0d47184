import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { EndpointSlice } from '#api/endpoint-slice.ts'
import { Endpoints } from '#api/endpoints.ts'
import { Event } from '#api/event.ts'
import { IPAddress } from '#api/ip-address.ts'
import { Pod } from '#api/pod.ts'
import { ServiceCIDR } from '#api/service-cidr.ts'
import { Service } from '#api/service.ts'
import { isNotFound } from '#api/status-error.ts'
import { bootCluster } from './boot.ts'
import type { TestCluster } from './boot.ts'
import { pod, service } from './sample-workloads.ts'

const namespace = 'default'
const web = { namespace, name: 'web' }

async function slicesOfWeb({ client }: TestCluster) {
  const { items } = await client.of(EndpointSlice).list({ namespace, labelSelector: 'kubernetes.io/service-name=web' })
  return items
}

describe('endpoints of a Service', () => {
  it('are an empty slice without pods', async () => {
    await using cluster = await bootCluster()
    await cluster.client.of(Service).create(service())
    await cluster.settle()
    const slices = await slicesOfWeb(cluster)
    assert.deepEqual(
      slices.map(({ addressType, endpoints }) => [addressType, endpoints?.length ?? 0]),
      [['IPv4', 0]],
    )
    assert.equal((await cluster.client.of(Endpoints).get(web)).subsets?.length ?? 0, 0)
  })

  it('follow the selector', async () => {
    await using cluster = await bootCluster()
    const { client } = cluster
    for (const version of ['v1', 'v2']) {
      const draft = pod(`pod-${version}`)
      await client.of(Pod).create({ ...draft, metadata: { ...draft.metadata, labels: { app: 'web', version } } })
    }
    await client.of(Service).create(service({ selector: { app: 'web', version: 'v1' }, ports: [{ port: 80 }] }))
    await cluster.settle()
    const targets = async () =>
      (await slicesOfWeb(cluster)).flatMap(({ endpoints }) => endpoints?.map((e) => e.targetRef?.name))
    assert.deepEqual(await targets(), ['pod-v1'])
    await client.of(Service).patch(web, 'merge', { spec: { selector: { version: 'v2' } } })
    await cluster.settle()
    assert.deepEqual(await targets(), ['pod-v2'])
  })

  it('are written once for one change of a pod, and not at all for none', async () => {
    await using cluster = await bootCluster()
    const { client } = cluster
    await client.of(Service).create(service({ ports: [{ port: 80 }] }))
    await client.of(Pod).create(pod('one'))
    await cluster.settle()
    let writes = 0
    cluster.informers.of(EndpointSlice).onChange(({ before }) => void (before && writes++))
    const condition = { type: 'Ready', status: 'False', lastTransitionTime: '2026-03-01T12:00:00Z' }
    cluster.kubelet.silence('node-1')
    cluster.kubelet.silence('node-2')
    cluster.kubelet.silence('node-3')
    await client.of(Pod).patchStatus({ namespace, name: 'one' }, 'strategic', { status: { conditions: [condition] } })
    await cluster.settle()
    assert.equal(writes, 1)
    await client.of(Pod).patch({ namespace, name: 'one' }, 'merge', { metadata: { labels: { other: 'x' } } })
    await cluster.settle()
    assert.equal(writes, 1)
  })

  it('of a Service without selector are copied from Endpoints, and go with it', async () => {
    await using cluster = await bootCluster()
    const { client } = cluster
    await client.of(Service).create({ metadata: web, spec: { ports: [{ port: 80 }] } })
    await client.of(Endpoints).create({
      metadata: web,
      subsets: [{ addresses: [{ ip: '192.0.2.1' }], notReadyAddresses: [{ ip: '2001:db8::1' }], ports: [{ port: 9 }] }],
    })
    await cluster.settle()
    const slices = (await slicesOfWeb(cluster)).toSorted((a, b) => (a.addressType < b.addressType ? -1 : 1))
    assert.deepEqual(
      slices.map(({ addressType, endpoints }) => [
        addressType,
        endpoints?.[0]?.addresses[0],
        endpoints?.[0]?.conditions?.ready,
      ]),
      [
        ['IPv4', '192.0.2.1', true],
        ['IPv6', '2001:db8::1', false],
      ],
    )
    await client.of(Service).delete(web)
    await cluster.settle()
    await assert.rejects(client.of(Endpoints).get(web), isNotFound)
    assert.deepEqual(await slicesOfWeb(cluster), [])
  })
})

describe('cluster IPs', () => {
  it('are held by an address again when theirs was deleted', async () => {
    await using cluster = await bootCluster()
    const { client } = cluster
    const { spec } = await client.of(Service).create(service())
    const name = spec.clusterIP!
    await cluster.settle()
    await client.of(IPAddress).delete({ name })
    await cluster.settle()
    assert.equal((await client.of(IPAddress).get({ name })).spec.parentRef?.name, 'web')
    const events = await client.of(Event).list({ namespace, fieldSelector: 'involvedObject.name=web' })
    assert.deepEqual(
      events.items.map(({ reason }) => reason),
      ['ClusterIPNotAllocated'],
    )
  })

  it('are released with their Service, without a word', async () => {
    await using cluster = await bootCluster()
    const { client } = cluster
    const { spec } = await client.of(Service).create(service())
    await cluster.settle()
    await client.of(Service).delete(web)
    await cluster.settle()
    await assert.rejects(client.of(IPAddress).get({ name: spec.clusterIP! }), isNotFound)
    const events = await client.of(Event).list({ namespace, fieldSelector: 'involvedObject.name=web' })
    assert.deepEqual(events.items, [])
  })
})

describe('a ServiceCIDR', () => {
  it('is ready, and does not go while an address needs it', async () => {
    let nowMs = Date.now()
    await using cluster = await bootCluster({ clock: { nowMs: () => nowMs } })
    const cidrs = cluster.client.of(ServiceCIDR)
    const addresses = cluster.client.of(IPAddress)
    await cidrs.create({ metadata: { name: 'extra' }, spec: { cidrs: ['198.51.100.0/24'] } })
    await cluster.settle()
    const ready = async () =>
      (await cidrs.get({ name: 'extra' })).status?.conditions?.find(({ type }) => type === 'Ready')
    assert.deepEqual([(await ready())?.status, (await ready())?.message], ['True', 'Kubernetes Service CIDR is ready'])
    const parentRef = { resource: 'services', namespace, name: 'mine' }
    await addresses.create({ metadata: { name: '198.51.100.7' }, spec: { parentRef } })
    await cluster.settle()
    await cidrs.delete({ name: 'extra' })
    await cluster.settle()
    assert.deepEqual([(await ready())?.status, (await ready())?.reason], ['False', 'Terminating'])
    nowMs += 11_000
    await addresses.delete({ name: '198.51.100.7' })
    await cluster.settle()
    await assert.rejects(cidrs.get({ name: 'extra' }), isNotFound)
  })
})
