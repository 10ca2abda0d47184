import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Deployment } from '#api/deployment.ts'
import { Event } from '#api/event.ts'
import { Pod } from '#api/pod.ts'
import { ResourceQuota } from '#api/resource-quota.ts'
import { Service } from '#api/service.ts'
import { isForbidden } from '#api/status-error.ts'
import { bootCluster, type TestCluster } from './boot.ts'
import { deployment, pod, service } from './sample-workloads.ts'

const namespace = 'default'
const q = { namespace, name: 'q' }

const add = (cluster: TestCluster, hard: Record<string, string>) =>
  cluster.client.of(ResourceQuota).create({ metadata: q, spec: { hard } })
const statusOf = async ({ client }: TestCluster) => (await client.of(ResourceQuota).get(q)).status

describe('a ResourceQuota', () => {
  it('counts what was there before it, and then each Service that comes or goes', async () => {
    await using cluster = await bootCluster()
    const services = cluster.client.of(Service)
    // The Service `kubernetes` lives here, too.
    await services.create(service({ type: 'NodePort' }, 'a'))
    await add(cluster, { services: '3', 'services.nodeports': '1', 'services.loadbalancers': '0' })
    await cluster.settle()
    const hard = { services: '3', 'services.nodeports': '1', 'services.loadbalancers': '0' }
    assert.deepEqual(await statusOf(cluster), { hard, used: { ...hard, services: '2' } })
    await services.create(service({}, 'b'))
    await assert.rejects(services.create(service({}, 'c')), isForbidden)
    await services.delete({ namespace, name: 'a' })
    await services.create(service({}, 'c'))
    await cluster.settle()
    assert.deepEqual((await statusOf(cluster))?.used, {
      services: '3',
      'services.nodeports': '0',
      'services.loadbalancers': '0',
    })
  })

  it('takes new limits at once', async () => {
    await using cluster = await bootCluster()
    await add(cluster, { services: '1' })
    await cluster.settle()
    await assert.rejects(cluster.client.of(Service).create(service()), isForbidden)
    await cluster.client
      .of(ResourceQuota)
      .patch(q, 'merge', { spec: { hard: { services: '2', 'count/services': '9' } } })
    await cluster.settle()
    await cluster.client.of(Service).create(service())
    const hard = { services: '2', 'count/services': '9' }
    assert.deepEqual(await statusOf(cluster), { hard, used: { services: '2', 'count/services': '2' } })
  })

  it('is counted anew when somebody writes what is not so', async () => {
    await using cluster = await bootCluster()
    await add(cluster, { services: '5' })
    await cluster.settle()
    await cluster.client.of(ResourceQuota).patchStatus(q, 'merge', { status: { used: { services: '5' } } })
    for (let tries = 0; (await statusOf(cluster))?.used?.['services'] !== '1'; tries++) {
      assert.ok(tries < 500, 'it stays wrong')
      await delay(10)
    }
  })

  it('is right after many have come and gone at once', async () => {
    await using cluster = await bootCluster()
    const services = cluster.client.of(Service)
    await add(cluster, { services: '21' })
    await cluster.settle()
    const names = Array.from({ length: 60 }, (_, i) => `s-${i}`)
    const wave = async () => {
      const made = await Promise.allSettled(
        names.map((name) => services.create(service({ ports: [{ port: 80 }] }, name))),
      )
      await Promise.allSettled(names.filter((_, i) => i % 2).map((name) => services.delete({ namespace, name })))
      return made.filter(({ status }) => status === 'fulfilled').length
    }
    assert.equal(await wave(), 20)
    await wave()
    await cluster.settle()
    const { items } = await services.list({ namespace })
    assert.deepEqual((await statusOf(cluster))?.used, { services: String(items.length) })
  })

  it('limits the pods of a Deployment, which goes on when there is more', async () => {
    await using cluster = await bootCluster()
    const { client } = cluster
    await add(cluster, { pods: '2' })
    await cluster.settle()
    await client.of(Deployment).create(deployment(3))
    await cluster.settle()
    assert.equal((await client.of(Pod).list({ namespace })).items.length, 2)
    const { items } = await client.of(Event).list({ namespace, fieldSelector: 'reason=FailedCreate' })
    assert.match(items[0]?.message ?? '', /exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2$/)
    await client.of(ResourceQuota).patch(q, 'merge', { spec: { hard: { pods: '3' } } })
    for (let tries = 0; (await statusOf(cluster))?.used?.['pods'] !== '3'; tries++) {
      assert.ok(tries < 1000, 'the third pod does not come')
      await delay(10)
    }
    await assert.rejects(client.of(Pod).create(pod('one-more')), isForbidden)
  })
})
