import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { resourceName } from '#api/kind.ts'
import { Pod } from '#api/pod.ts'
import { kinds } from '#api/registry.ts'
import type { ResourceQuota } from '#api/resource-quota.ts'
import { Service } from '#api/service.ts'
import { sampleNowMs, samplePod, sampleService } from '../sample-objects.ts'
import { type Contents, countedKinds, desiredQuotaStatus, isSameStatus } from './desired-status.ts'

type Status = NonNullable<ResourceQuota['status']>

const quota = (hard: Record<string, string>, more: { status?: Status; scopes?: string[] } = {}): ResourceQuota => ({
  apiVersion: 'v1',
  kind: 'ResourceQuota',
  metadata: { name: 'q', namespace: 'default' },
  spec: { hard, ...(more.scopes && { scopes: more.scopes }) },
  ...(more.status && { status: more.status }),
})

const asking = (name: string, cpu: string) =>
  samplePod(name, { spec: { containers: [{ name: 'c', image: 'x', resources: { requests: { cpu } } }] } })
const contents = [
  { kind: Service, objects: [sampleService(), sampleService({ type: 'NodePort', ports: [{ port: 1 }, { port: 2 }] })] },
  {
    kind: Pod,
    objects: [samplePod('a'), asking('b', '600m'), asking('c', '400m'), samplePod('d', { phase: 'Failed' })],
  },
] as unknown as readonly Contents[]

const cases: { name: string; quota: ResourceQuota; status: Status }[] = [
  {
    name: 'Services and their node ports',
    quota: quota({ services: '5', 'services.nodeports': '1000', 'services.loadbalancers': '0' }),
    status: {
      hard: { services: '5', 'services.nodeports': '1k', 'services.loadbalancers': '0' },
      used: { services: '2', 'services.nodeports': '2', 'services.loadbalancers': '0' },
    },
  },
  {
    name: 'pods that still run, and all that are stored',
    quota: quota({ pods: '9', 'count/pods': '9', cpu: '2' }),
    status: { hard: { pods: '9', 'count/pods': '9', cpu: '2' }, used: { pods: '3', 'count/pods': '4', cpu: '1' } },
  },
  {
    name: 'only pods of its scope',
    quota: quota({ pods: '9', cpu: '1' }, { scopes: ['NotBestEffort'] }),
    status: { hard: { pods: '9', cpu: '1' }, used: { pods: '2', cpu: '1' } },
  },
  {
    name: 'nothing for what it no longer limits, and what others count for what nobody here knows',
    quota: quota(
      { services: '5', 'count/widgets.example': '1', 'count/gadgets.example': '1' },
      { status: { hard: {}, used: { pods: '3', 'count/widgets.example': '1' } } },
    ),
    status: {
      hard: { services: '5', 'count/widgets.example': '1', 'count/gadgets.example': '1' },
      used: { services: '2', 'count/widgets.example': '1' },
    },
  },
]

describe('the status of a quota counts', () => {
  for (const { name, quota: given, status } of cases) {
    test(name, () => assert.deepEqual(desiredQuotaStatus(given, contents, sampleNowMs), status))
  }
})

test('kinds are counted where a limit is about them', () => {
  const counted = countedKinds(
    quota({ 'services.nodeports': '1', configmaps: '1', 'count/daemonsets.apps': '1' }),
    kinds,
  )
  assert.deepEqual(counted.map(resourceName), ['configmaps', 'services', 'daemonsets.apps'])
})

test('a status is the same when it means the same', () => {
  const written = { hard: { services: '1k' }, used: { services: '0' } }
  assert.equal(isSameStatus({ hard: { services: '1000' }, used: { services: '0' } }, written), true)
  assert.equal(isSameStatus({ hard: { services: '1k' }, used: { services: '1' } }, written), false)
  assert.equal(isSameStatus({ hard: { services: '1k' } }, written), false)
  assert.equal(isSameStatus(undefined, written), false)
})
