import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ConfigMap } from '#api/config-map.ts'
import { DaemonSet } from '#api/daemon-set.ts'
import { Deployment } from '#api/deployment.ts'
import { EndpointSlice } from '#api/endpoint-slice.ts'
import { Endpoints } from '#api/endpoints.ts'
import { Event } from '#api/event.ts'
import type { Kind } from '#api/kind.ts'
import type { KubeObject } from '#api/meta.ts'
import { Namespace } from '#api/namespace.ts'
import { Node } from '#api/node.ts'
import { Pod } from '#api/pod.ts'
import { ReplicaSet } from '#api/replica-set.ts'
import { ServiceAccount } from '#api/service-account.ts'
import { Service } from '#api/service.ts'
import { StatefulSet } from '#api/stateful-set.ts'
import { isNotFound } from '#api/status-error.ts'
import { bootCluster } from './boot.ts'
import type { TestCluster } from './boot.ts'
import { daemonSet, deployment, pod, service, statefulSet } from './sample-workloads.ts'

const namespace = 'default'
const web = { namespace, name: 'web' }

async function list<T extends KubeObject>({ client }: TestCluster, kind: Kind<T>, labelSelector = 'app=web') {
  const { items } = await client.of(kind).list({ namespace, labelSelector })
  return items
}

async function slicesOfWeb(cluster: TestCluster) {
  const slices = await list(cluster, EndpointSlice, 'kubernetes.io/service-name=web')
  return slices.flatMap(({ endpoints }) => endpoints ?? [])
}

async function reasonsAbout({ client }: TestCluster, kind: string, name: string): Promise<string[]> {
  const fieldSelector = `involvedObject.kind=${kind},involvedObject.name=${name}`
  const { items } = await client.of(Event).list({ namespace, fieldSelector })
  return items.map(({ reason = '' }) => reason)
}

const condition = (object: { status?: { conditions?: readonly { type: string; reason?: string }[] } }, type: string) =>
  object.status?.conditions?.find((found) => found.type === type)?.reason

describe('a Deployment behind a Service', () => {
  it('becomes ready pods on all nodes, and endpoints', async () => {
    await using cluster = await bootCluster()
    await cluster.client.of(Service).create(service())
    await cluster.client.of(Deployment).create(deployment(3))
    await cluster.settle()
    const pods = await list(cluster, Pod)
    assert.deepEqual(pods.map(({ spec }) => spec.nodeName ?? '').toSorted(), ['node-1', 'node-2', 'node-3'])
    const found = await cluster.client.of(Deployment).get(web)
    assert.equal(found.status?.availableReplicas, 3)
    assert.equal(found.status?.observedGeneration, found.metadata.generation)
    assert.equal(condition(found, 'Available'), 'MinimumReplicasAvailable')
    assert.equal(condition(found, 'Progressing'), 'NewReplicaSetAvailable')
    assert.equal(found.metadata.annotations?.['deployment.kubernetes.io/revision'], '1')
    const addresses = pods.map(({ status }) => status?.podIP ?? '').toSorted()
    const endpoints = await slicesOfWeb(cluster)
    assert.deepEqual(endpoints.map((endpoint) => endpoint.addresses[0] ?? '').toSorted(), addresses)
    assert.ok(endpoints.every(({ conditions }) => conditions?.ready))
    const legacy = await cluster.client.of(Endpoints).get(web)
    assert.deepEqual(
      legacy.subsets?.[0]?.addresses?.map(({ ip }) => ip),
      addresses,
    )
    assert.deepEqual(legacy.subsets?.[0]?.ports, [{ port: 8080, protocol: 'TCP' }])
    assert.deepEqual(await reasonsAbout(cluster, 'Deployment', 'web'), ['ScalingReplicaSet'])
    assert.deepEqual(await reasonsAbout(cluster, 'Pod', pods[0]!.metadata.name), ['Scheduled'])
  })

  it('replaces a deleted pod', async () => {
    await using cluster = await bootCluster()
    await cluster.client.of(Service).create(service())
    await cluster.client.of(Deployment).create(deployment(2))
    await cluster.settle()
    const [victim] = await list(cluster, Pod)
    await cluster.client.of(Pod).delete(victim!.metadata)
    await cluster.settle()
    const pods = await list(cluster, Pod)
    assert.equal(pods.length, 2)
    assert.ok(pods.every(({ metadata }) => metadata.uid !== victim!.metadata.uid))
    assert.ok((await slicesOfWeb(cluster)).every(({ addresses }) => addresses[0] !== victim!.status?.podIP))
  })

  it('rolls to a new template and back, keeping revisions', async () => {
    await using cluster = await bootCluster()
    const deployments = cluster.client.of(Deployment)
    await deployments.create(deployment(3))
    await cluster.settle()
    const setImage = (image: string) =>
      deployments.patch(web, 'json', [{ op: 'replace', path: '/spec/template/spec/containers/0/image', value: image }])
    await setImage('v2')
    await cluster.settle()
    const sizes = async () => {
      const sets = await list(cluster, ReplicaSet)
      return Object.fromEntries(
        sets.map(({ metadata, spec }) => [
          `${spec.template?.spec.containers[0]?.image}@${metadata.annotations?.['deployment.kubernetes.io/revision']}`,
          spec.replicas,
        ]),
      )
    }
    assert.deepEqual(await sizes(), { 'v1@1': 0, 'v2@2': 3 })
    await setImage('v1')
    await cluster.settle()
    assert.deepEqual(await sizes(), { 'v1@3': 3, 'v2@2': 0 })
    const pods = await list(cluster, Pod)
    assert.deepEqual(
      pods.map(({ spec }) => spec.containers[0]?.image),
      ['v1', 'v1', 'v1'],
    )
  })

  it('stops rolling when new pods do not become ready, keeping what must be available', async () => {
    await using cluster = await bootCluster()
    const deployments = cluster.client.of(Deployment)
    await deployments.create(deployment(4, { strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } } }))
    await cluster.settle()
    cluster.kubelet.breakImage('bad')
    const patch = [{ op: 'replace', path: '/spec/template/spec/containers/0/image', value: 'bad' }]
    await deployments.patch(web, 'json', patch)
    await cluster.settle()
    const stuck = await deployments.get(web)
    assert.equal(stuck.status?.availableReplicas, 3)
    assert.equal(stuck.status?.updatedReplicas, 2)
    assert.equal(condition(stuck, 'Progressing'), 'ReplicaSetUpdated')
    cluster.kubelet.heal('bad')
    await cluster.settle()
    assert.equal(condition(await deployments.get(web), 'Progressing'), 'NewReplicaSetAvailable')
  })

  it('is paused, scaled meanwhile, and resumed', async () => {
    await using cluster = await bootCluster()
    const deployments = cluster.client.of(Deployment)
    await deployments.create(deployment(1))
    await cluster.settle()
    await deployments.patch(web, 'merge', { spec: { paused: true, replicas: 3 } })
    await deployments.patch(web, 'json', [
      { op: 'replace', path: '/spec/template/spec/containers/0/image', value: 'v2' },
    ])
    await cluster.settle()
    assert.deepEqual(
      (await list(cluster, Pod)).map(({ spec }) => spec.containers[0]?.image),
      ['v1', 'v1', 'v1'],
    )
    assert.equal(condition(await deployments.get(web), 'Progressing'), 'DeploymentPaused')
    await deployments.patch(web, 'merge', { spec: { paused: null } })
    await cluster.settle()
    assert.deepEqual(
      (await list(cluster, Pod)).map(({ spec }) => spec.containers[0]?.image),
      ['v2', 'v2', 'v2'],
    )
  })

  it('recreates: no two templates at once', async () => {
    await using cluster = await bootCluster()
    const seen = new Set<string>()
    cluster.informers.of(Pod).onChange(() => {
      const images = cluster.informers
        .of(Pod)
        .list(namespace)
        .map(({ spec }) => spec.containers[0]?.image ?? '')
      seen.add([...new Set(images)].toSorted().join('+'))
    })
    const deployments = cluster.client.of(Deployment)
    await deployments.create(deployment(2, { strategy: { type: 'Recreate' } }))
    await cluster.settle()
    await deployments.patch(web, 'json', [
      { op: 'replace', path: '/spec/template/spec/containers/0/image', value: 'v2' },
    ])
    await cluster.settle()
    assert.equal((await list(cluster, Pod)).length, 2)
    assert.deepEqual([...seen].toSorted(), ['', 'v1', 'v2'])
  })
})

describe('deletion', () => {
  it('takes dependents along in the background', async () => {
    await using cluster = await bootCluster()
    await cluster.client.of(Service).create(service())
    await cluster.client.of(Deployment).create(deployment(2))
    await cluster.settle()
    await cluster.client.of(Deployment).delete(web)
    await cluster.client.of(Service).delete(web)
    await cluster.settle()
    assert.equal((await list(cluster, ReplicaSet)).length, 0)
    assert.equal((await list(cluster, Pod)).length, 0)
    assert.equal((await list(cluster, EndpointSlice, 'kubernetes.io/service-name=web')).length, 0)
    await assert.rejects(cluster.client.of(Endpoints).get(web), isNotFound)
  })

  it('waits for dependents in the foreground', async () => {
    await using cluster = await bootCluster()
    await cluster.client.of(Deployment).create(deployment(2))
    await cluster.settle()
    await cluster.client.of(Deployment).delete(web, { propagationPolicy: 'Foreground' })
    await cluster.settle()
    await assert.rejects(cluster.client.of(Deployment).get(web), isNotFound)
    assert.equal((await list(cluster, Pod)).length, 0)
  })

  it('leaves orphans when asked to, and a new owner adopts them', async () => {
    await using cluster = await bootCluster()
    await cluster.client.of(Deployment).create(deployment(2))
    await cluster.settle()
    const before = (await list(cluster, Pod)).map(({ metadata }) => metadata.uid ?? '').toSorted()
    await cluster.client.of(Deployment).delete(web, { propagationPolicy: 'Orphan' })
    await cluster.settle()
    const [set] = await list(cluster, ReplicaSet)
    assert.equal(set?.metadata.ownerReferences?.length ?? 0, 0)
    await cluster.client.of(Deployment).create(deployment(2))
    await cluster.settle()
    assert.deepEqual((await list(cluster, Pod)).map(({ metadata }) => metadata.uid ?? '').toSorted(), before)
    assert.equal((await list(cluster, ReplicaSet)).length, 1)
  })

  it('empties a namespace', async () => {
    await using cluster = await bootCluster()
    const { client } = cluster
    await client.of(Namespace).create({ metadata: { name: 'shop' }, spec: {} })
    await cluster.settle()
    await client.of(ServiceAccount).get({ namespace: 'shop', name: 'default' })
    const ca = await client.of(ConfigMap).get({ namespace: 'shop', name: 'kube-root-ca.crt' })
    assert.equal(ca.data?.['ca.crt'], 'test CA')
    const inShop = { name: 'web', namespace: 'shop' }
    await client.of(Deployment).create({ ...deployment(2), metadata: inShop })
    await client.of(Service).create({ ...service(), metadata: inShop })
    await cluster.settle()
    await client.of(Namespace).delete({ name: 'shop' })
    await cluster.settle()
    await assert.rejects(client.of(Namespace).get({ name: 'shop' }), isNotFound)
    assert.equal((await client.of(Pod).list({ namespace: 'shop' })).items.length, 0)
  })
})

describe('a StatefulSet', () => {
  it('makes its pods in order, with stable names, and removes them in reverse', async () => {
    await using cluster = await bootCluster()
    const order: string[] = []
    cluster.informers.of(Pod).onChange(({ before, after }) => {
      if (!before && after) order.push(`+${after.metadata.name}`)
      if (before && !after) order.push(`-${before.metadata.name}`)
    })
    const sets = cluster.client.of(StatefulSet)
    await sets.create(statefulSet(3))
    await cluster.settle()
    const second = await cluster.client.of(Pod).get({ namespace, name: 'db-1' })
    assert.deepEqual([second.spec.hostname, second.spec.subdomain], ['db-1', 'db-svc'])
    assert.equal(second.metadata.labels?.['apps.kubernetes.io/pod-index'], '1')
    assert.equal(second.metadata.labels?.['statefulset.kubernetes.io/pod-name'], 'db-1')
    await sets.patch({ namespace, name: 'db' }, 'merge', { spec: { replicas: 1 } })
    await cluster.settle()
    assert.deepEqual(order, ['+db-0', '+db-1', '+db-2', '-db-2', '-db-1'])
    const { status } = await sets.get({ namespace, name: 'db' })
    assert.deepEqual([status?.replicas, status?.readyReplicas, status?.currentRevision], [1, 1, status?.updateRevision])
  })

  it('updates from the highest number down to the partition', async () => {
    await using cluster = await bootCluster()
    const sets = cluster.client.of(StatefulSet)
    await sets.create(statefulSet(3, { updateStrategy: { rollingUpdate: { partition: 1 } } }))
    await cluster.settle()
    await sets.patch({ namespace, name: 'db' }, 'json', [
      { op: 'replace', path: '/spec/template/spec/containers/0/image', value: 'v2' },
    ])
    await cluster.settle()
    const images = (await list(cluster, Pod)).map(
      ({ metadata, spec }) => `${metadata.name} ${spec.containers[0]?.image}`,
    )
    assert.deepEqual(images, ['db-0 v1', 'db-1 v2', 'db-2 v2'])
    await sets.patch({ namespace, name: 'db' }, 'merge', {
      spec: { updateStrategy: { rollingUpdate: { partition: 0 } } },
    })
    await cluster.settle()
    const { status } = await sets.get({ namespace, name: 'db' })
    assert.equal(status?.currentRevision, status?.updateRevision)
    assert.equal(status?.updatedReplicas, 3)
  })
})

describe('a DaemonSet', () => {
  it('has one pod on every eligible node, also on new ones, and rolls', async () => {
    await using cluster = await bootCluster({
      nodes: { 'node-1': {}, 'node-2': { taints: [{ key: 'gpu', effect: 'NoSchedule' }] } },
    })
    const sets = cluster.client.of(DaemonSet)
    await sets.create(daemonSet())
    await cluster.settle()
    await cluster.kubelet.addNode('node-3')
    await cluster.settle()
    const placed = async () =>
      (await list(cluster, Pod)).map(({ spec }) => `${spec.nodeName} ${spec.containers[0]?.image}`).toSorted()
    assert.deepEqual(await placed(), ['node-1 v1', 'node-3 v1'])
    await sets.patch({ namespace, name: 'agent' }, 'json', [
      { op: 'replace', path: '/spec/template/spec/containers/0/image', value: 'v2' },
    ])
    await cluster.settle()
    assert.deepEqual(await placed(), ['node-1 v2', 'node-3 v2'])
    const { status } = await sets.get({ namespace, name: 'agent' })
    assert.deepEqual(
      [status?.desiredNumberScheduled, status?.updatedNumberScheduled, status?.numberAvailable],
      [2, 2, 2],
    )
  })
})

describe('the scheduler', () => {
  it('says why a pod fits nowhere, and places it when it does', async () => {
    await using cluster = await bootCluster()
    const pods = cluster.client.of(Pod)
    await pods.create(pod('picky', { nodeSelector: { disk: 'ssd' } }))
    await cluster.settle()
    const waiting = await pods.get({ namespace, name: 'picky' })
    const scheduled = waiting.status?.conditions?.find(({ type }) => type === 'PodScheduled')
    assert.equal(scheduled?.reason, 'Unschedulable')
    assert.equal(scheduled?.message, "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.")
    assert.deepEqual(await reasonsAbout(cluster, 'Pod', 'picky'), ['FailedScheduling'])
    await cluster.client.of(Node).patch({ name: 'node-2' }, 'merge', { metadata: { labels: { disk: 'ssd' } } })
    await cluster.settle()
    const placed = await pods.get({ namespace, name: 'picky' })
    assert.equal(placed.spec.nodeName, 'node-2')
    assert.equal(placed.status?.conditions?.find(({ type }) => type === 'PodScheduled')?.status, 'True')
  })
})

describe('a node that falls silent', () => {
  it('is tainted, its pods are not ready, and in the end they go elsewhere', async () => {
    let nowMs = Date.now()
    await using cluster = await bootCluster({ clock: { nowMs: () => nowMs } })
    await cluster.client.of(Service).create(service())
    await cluster.client.of(Deployment).create(deployment(3))
    await cluster.settle()
    const pass = async (seconds: number) => {
      nowMs += seconds * 1000
      for (const name of ['node-1', 'node-2']) await cluster.kubelet.heartbeat(name)
      // Any change of the node makes the controller look at it; in real life its own timer does.
      await cluster.client.of(Node).patch({ name: 'node-3' }, 'merge', { metadata: { labels: { at: String(nowMs) } } })
      await cluster.settle()
    }
    await pass(10)
    cluster.kubelet.silence('node-3')
    await pass(60)
    const node = await cluster.client.of(Node).get({ name: 'node-3' })
    assert.equal(condition(node, 'Ready'), 'NodeStatusUnknown')
    assert.deepEqual(
      node.spec.taints?.map(({ key, effect }) => `${key} ${effect}`),
      ['node.kubernetes.io/unreachable NoSchedule', 'node.kubernetes.io/unreachable NoExecute'],
    )
    assert.equal((await slicesOfWeb(cluster)).filter(({ conditions }) => conditions?.ready).length, 2)
    await pass(310)
    const ready = (await slicesOfWeb(cluster)).filter(({ conditions }) => conditions?.ready)
    assert.deepEqual(new Set(ready.map(({ nodeName }) => nodeName)), new Set(['node-1', 'node-2']))
    assert.equal(ready.length, 3)
  })
})
