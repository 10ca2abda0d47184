import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planAddresses } from '#lib/address-plan.ts'
import { openTestServer } from '../open-test-server.ts'
import { applyBootstrap } from './apply-bootstrap.ts'

const plan = planAddresses(2)

test('a new cluster has its namespaces, its own Service and cluster DNS', async () => {
  await using server = await openTestServer()
  await applyBootstrap(server.api.handle, plan, AbortSignal.timeout(5000))
  const read = async (path: string) => (await server.call('GET', path)).object
  const namespaces = (await read('/api/v1/namespaces')).items.map(
    (item: { metadata: { name: string } }) => item.metadata.name,
  )
  assert.deepEqual(namespaces, ['default', 'kube-node-lease', 'kube-public', 'kube-system'])
  assert.equal((await read('/api/v1/namespaces/default/services/kubernetes')).spec.clusterIP, '10.98.0.1')
  assert.equal((await read('/api/v1/namespaces/kube-system/services/kube-dns')).spec.clusterIP, '10.98.0.10')
  const slice = await read('/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes')
  assert.deepEqual(slice.endpoints[0].addresses, ['172.30.2.1'])
})

test('starting again writes nothing, and puts back what somebody changed of our endpoints', async () => {
  await using server = await openTestServer()
  await applyBootstrap(server.api.handle, plan, AbortSignal.timeout(5000))
  const path = '/api/v1/namespaces/default/endpoints/kubernetes'
  const before = (await server.call('GET', path)).object
  await applyBootstrap(server.api.handle, plan, AbortSignal.timeout(5000))
  assert.equal((await server.call('GET', path)).object.metadata.resourceVersion, before.metadata.resourceVersion)
  await server.call('PUT', path, { ...before, subsets: [] })
  await applyBootstrap(server.api.handle, plan, AbortSignal.timeout(5000))
  assert.deepEqual((await server.call('GET', path)).object.subsets, before.subsets)
})
