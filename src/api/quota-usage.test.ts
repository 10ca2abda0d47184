import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { findKindByPlural, kinds } from './registry.ts'
import type { KubeObject } from './meta.ts'
import { renderQuantity } from './quantity.ts'
import { missingResources } from './quota-pod-usage.ts'
import { canUse, isCounted, usageOf } from './quota-usage.ts'
import { resourceName } from './kind.ts'
import type { Pod } from './pod.ts'

const nowMs = Date.parse('2026-03-01T12:00:00Z')

function usage(path: string, object: object): Record<string, string> {
  const [group = '', version = 'v1', plural = ''] = path.split('/')
  const kind = findKindByPlural(group, version, plural)!
  const named = { metadata: { name: 'x' }, ...object } as unknown as KubeObject
  return Object.fromEntries([...usageOf(kind, named, nowMs)].map(([name, amount]) => [name, renderQuantity(amount)]))
}

const ports = [{ port: 80 }, { port: 81, nodePort: 30_081 }]
const services: Record<string, { spec: object; nodePorts: string; loadBalancers: string }> = {
  ClusterIP: { spec: { type: 'ClusterIP', ports }, nodePorts: '0', loadBalancers: '0' },
  headless: { spec: { type: 'ClusterIP', clusterIP: 'None' }, nodePorts: '0', loadBalancers: '0' },
  ExternalName: {
    spec: { type: 'ExternalName', externalName: 'a.example', ports },
    nodePorts: '0',
    loadBalancers: '0',
  },
  'NodePort, before it has all its ports': { spec: { type: 'NodePort', ports }, nodePorts: '2', loadBalancers: '0' },
  LoadBalancer: { spec: { type: 'LoadBalancer', ports }, nodePorts: '2', loadBalancers: '1' },
  'LoadBalancer without node ports, but one': {
    spec: { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, ports },
    nodePorts: '1',
    loadBalancers: '1',
  },
  'LoadBalancer with health checks, whose node port does not count': {
    spec: { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 30_099, ports },
    nodePorts: '2',
    loadBalancers: '1',
  },
}

describe('a Service uses', () => {
  for (const [name, { spec, nodePorts, loadBalancers }] of Object.entries(services)) {
    test(name, () =>
      assert.deepEqual(usage('/v1/services', { spec }), {
        'count/services': '1',
        services: '1',
        'services.nodeports': nodePorts,
        'services.loadbalancers': loadBalancers,
      }),
    )
  }
})

const container = (name: string, requests?: object, limits?: object, more: object = {}) => ({
  name,
  resources: { ...(requests && { requests }), ...(limits && { limits }) },
  ...more,
})
const cpu = (amount: string) => ({ cpu: amount, 'requests.cpu': amount })
const memory = (amount: string) => ({ memory: amount, 'requests.memory': amount })
const running = { 'count/pods': '1', pods: '1' }

const pods: Record<string, { pod: object; uses: Record<string, string> }> = {
  'nothing but its place': { pod: { spec: { containers: [container('a')] } }, uses: running },
  'the sum of its containers': {
    pod: {
      spec: {
        containers: [container('a', { cpu: '500m', memory: '1Gi' }), container('b', { cpu: '600m' }, { cpu: '1' })],
      },
    },
    uses: { ...running, ...cpu('1100m'), ...memory('1Gi'), 'limits.cpu': '1' },
  },
  'the largest init container, beside the sidecars before it': {
    pod: {
      spec: {
        initContainers: [
          container('side', { cpu: '1' }, undefined, { restartPolicy: 'Always' }),
          container('init', { cpu: '3' }),
        ],
        containers: [container('a', { cpu: '2' })],
      },
    },
    uses: { ...running, ...cpu('4') },
  },
  'what the pod says as a whole, and its overhead': {
    pod: {
      spec: {
        containers: [container('a', { cpu: '1', memory: '1Mi' })],
        resources: { requests: { cpu: '5' } },
        overhead: { cpu: '250m', memory: '1Mi' },
      },
    },
    uses: { ...running, ...cpu('5250m'), ...memory('2Mi') },
  },
  'storage of its node, large pages and devices': {
    pod: {
      spec: {
        containers: [
          container(
            'a',
            { 'ephemeral-storage': '1G', 'hugepages-2Mi': '4Mi', 'example.com/gpu': '2' },
            { 'ephemeral-storage': '2G', 'example.com/gpu': '2' },
          ),
        ],
      },
    },
    uses: {
      ...running,
      'ephemeral-storage': '1G',
      'requests.ephemeral-storage': '1G',
      'limits.ephemeral-storage': '2G',
      'hugepages-2Mi': '4Mi',
      'requests.hugepages-2Mi': '4Mi',
      'requests.example.com/gpu': '2',
    },
  },
  'only its name when it has ended': {
    pod: { spec: { containers: [container('a', { cpu: '1' })] }, status: { phase: 'Succeeded' } },
    uses: { 'count/pods': '1' },
  },
  'everything while it is being stopped': {
    pod: {
      metadata: { name: 'x', deletionTimestamp: '2026-03-01T11:59:50Z', deletionGracePeriodSeconds: 30 },
      spec: { containers: [container('a')] },
    },
    uses: running,
  },
  'only its name when it should long be gone': {
    pod: {
      metadata: { name: 'x', deletionTimestamp: '2026-03-01T11:59:00Z', deletionGracePeriodSeconds: 30 },
      spec: { containers: [container('a')] },
    },
    uses: { 'count/pods': '1' },
  },
}

describe('a pod uses', () => {
  for (const [name, { pod, uses }] of Object.entries(pods)) {
    test(name, () => assert.deepEqual(usage('/v1/pods', pod), uses))
  }
})

const claims: Record<string, { claim: object; uses: Record<string, string> }> = {
  'whole bytes of storage, also of its class': {
    claim: { spec: { storageClassName: 'gold', resources: { requests: { storage: '1.1Ki' } } } },
    uses: {
      'count/persistentvolumeclaims': '1',
      persistentvolumeclaims: '1',
      'requests.storage': '1127',
      'gold.storageclass.storage.k8s.io/persistentvolumeclaims': '1',
      'gold.storageclass.storage.k8s.io/requests.storage': '1127',
    },
  },
  'what is allocated, where that is more': {
    claim: {
      spec: { resources: { requests: { storage: '1Gi' } } },
      status: { allocatedResources: { storage: '2Gi' } },
    },
    uses: { 'count/persistentvolumeclaims': '1', persistentvolumeclaims: '1', 'requests.storage': '2Gi' },
  },
}

describe('a PersistentVolumeClaim uses', () => {
  for (const [name, { claim, uses }] of Object.entries(claims)) {
    test(name, () => assert.deepEqual(usage('/v1/persistentvolumeclaims', claim), uses))
  }
})

test('every other kind counts by its resource, some by an older name, too', () => {
  assert.deepEqual(usage('apps/v1/deployments', {}), { 'count/deployments.apps': '1' })
  assert.deepEqual(usage('/v1/configmaps', {}), { 'count/configmaps': '1', configmaps: '1' })
  assert.deepEqual(usage('/v1/endpoints', {}), { 'count/endpoints': '1' })
})

test('what an object uses is what its kind can use, for every kind', () => {
  const sample = {
    spec: {
      type: 'LoadBalancer',
      storageClassName: 'gold',
      containers: [container('a', { cpu: '1', 'a.b/c': '1' }, { memory: '1' })],
    },
  }
  for (const kind of kinds.filter(isCounted)) {
    const names = Object.keys(usage(`${kind.group}/${kind.version}/${kind.plural}`, sample))
    assert.ok(names.includes(`count/${resourceName(kind)}`))
    for (const name of names) {
      const users = kinds.filter((other) => isCounted(other) && canUse(other, name))
      assert.deepEqual(users.map(resourceName), [resourceName(kind)], name)
    }
  }
})

test('what no container gives is named with them', () => {
  const spec = {
    containers: [container('b', { cpu: '1' }), container('a', { memory: '1' }, { cpu: '1' })],
    initContainers: [container('init')],
  }
  const pod = { metadata: { name: 'x' }, spec } as unknown as Pod
  const names = ['pods', 'requests.memory', 'limits.cpu', 'cpu', 'requests.ephemeral-storage']
  assert.equal(
    missingResources(pod, names),
    'must specify cpu for: a,init; limits.cpu for: b,init; requests.memory for: b,init',
  )
  assert.equal(missingResources(pod, ['pods']), undefined)
  const whole = { ...pod, spec: { ...pod.spec, resources: { requests: { cpu: '1' } } } }
  assert.equal(missingResources(whole, names), undefined)
})
