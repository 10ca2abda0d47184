/** A Service with five thousand endpoints: how many writes its slices cost, and how long that takes. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { EndpointSlice } from '#api/endpoint-slice.ts'
import { Endpoints } from '#api/endpoints.ts'
import { Pod } from '#api/pod.ts'
import { Service } from '#api/service.ts'
import { bootCluster } from '../cluster/boot.ts'
import type { TestCluster } from '../cluster/boot.ts'
import { pod, service } from '../cluster/sample-workloads.ts'

const namespace = 'default'
const count = 5_000
const full = count / 100

async function slicesOf({ client }: TestCluster) {
  const labelSelector = 'kubernetes.io/service-name=web'
  return (await client.of(EndpointSlice).list({ namespace, labelSelector })).items
}

const addressesOf = (slices: readonly EndpointSlice[]) =>
  slices.flatMap(({ endpoints = [] }) => endpoints.flatMap(({ addresses }) => addresses))

it('a Service with 5,000 endpoints', { timeout: 120_000 }, async (context) => {
  await using cluster = await bootCluster()
  const { client, informers } = cluster
  const pods = client.of(Pod)
  const writes = { slices: 0, endpoints: 0 }
  informers.of(EndpointSlice).onChange(() => void writes.slices++)
  informers.of(Endpoints).onChange(() => void writes.endpoints++)
  /** Runs a change until all is quiet; returns what it cost. */
  const measure = async (what: string, change: () => Promise<unknown>) => {
    writes.slices = 0
    writes.endpoints = 0
    const began = performance.now()
    await change()
    await cluster.settle()
    const cost = { ...writes, ms: Math.round(performance.now() - began) }
    context.diagnostic(`${what}: ${cost.slices} writes of slices, ${cost.endpoints} of Endpoints, ${cost.ms} ms`)
    return cost
  }
  const create = (i: number) => pods.create(pod(`web-${i}`, { nodeName: `node-${1 + (i % 3)}` }))
  const remove = (i: number) => pods.delete({ namespace, name: `web-${i}` }, { gracePeriodSeconds: 0 })
  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

  await measure('5,000 pods, no Service', () => Promise.all(range(0, count).map(create)))

  const made = await measure('the Service is made', () => client.of(Service).create(service({ ports: [{ port: 80 }] })))
  assert.equal(made.slices, full, 'each slice is written once')
  const first = await slicesOf(cluster)
  assert.deepEqual(new Set(first.map(({ endpoints }) => endpoints?.length)), new Set([100]))
  assert.equal(new Set(addressesOf(first)).size, count)
  const legacy = await client.of(Endpoints).get({ namespace, name: 'web' })
  assert.equal(legacy.subsets?.[0]?.addresses?.length, 1000)
  assert.equal(legacy.metadata.annotations?.['endpoints.kubernetes.io/over-capacity'], 'truncated')

  const one = await measure('one pod goes and one comes', async () => {
    await remove(7)
    await create(count)
  })
  assert.ok(one.slices <= 3, `${one.slices} writes`)

  const label = await measure('a label of the Service changes', () =>
    client.of(Service).patch({ namespace, name: 'web' }, 'merge', { metadata: { labels: { team: 'a' } } }),
  )
  assert.equal(label.slices, full, 'every slice carries it')

  await measure('500 pods are replaced', async () => {
    await Promise.all(range(1000, 1500).map(remove))
    await Promise.all(range(count + 1, count + 501).map(create))
  })
  await measure('3,000 pods go', () => Promise.all(range(1500, 4500).map(remove)))
  const left = await slicesOf(cluster)
  assert.equal(new Set(addressesOf(left)).size, addressesOf(left).length)
  assert.equal(addressesOf(left).length, 2000)

  await measure('3,000 pods come', () => Promise.all(range(6000, 9000).map(create)))
  const all = await slicesOf(cluster)
  const expected = informers
    .of(Pod)
    .list(namespace)
    .map(({ status }) => status?.podIP ?? '')
  assert.deepEqual(addressesOf(all).toSorted(), expected.toSorted())
  assert.ok(all.every(({ endpoints = [] }) => endpoints.length <= 100))

  await measure('the Service goes', () => client.of(Service).delete({ namespace, name: 'web' }))
  assert.deepEqual(await slicesOf(cluster), [])
})
