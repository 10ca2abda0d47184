import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isCovered } from './quota-scopes.ts'
import { Pod } from './pod.ts'
import type { ResourceQuota } from './resource-quota.ts'
import { Service } from './service.ts'

const pods: Record<string, object> = {
  plain: {},
  timed: { activeDeadlineSeconds: 10 },
  asking: { containers: [{ name: 'a', image: 'x', resources: { requests: { cpu: '1' } } }] },
  urgent: { priorityClassName: 'urgent' },
  slow: { priorityClassName: 'slow' },
  far: {
    affinity: {
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          { weight: 1, podAffinityTerm: { topologyKey: 'zone', namespaces: ['other'] } },
        ],
      },
    },
  },
}
const all = Object.keys(pods)
const others = (...names: string[]) => all.filter((name) => !names.includes(name))

const requirement = (scopeName: string, operator: string, values?: string[]) => ({
  scopeSelector: { matchExpressions: [{ scopeName, operator, ...(values && { values }) }] },
})

const cases: { name: string; spec: object; covers: readonly string[] }[] = [
  { name: 'none', spec: {}, covers: all },
  { name: 'Terminating', spec: { scopes: ['Terminating'] }, covers: ['timed'] },
  { name: 'NotTerminating', spec: { scopes: ['NotTerminating'] }, covers: others('timed') },
  { name: 'BestEffort', spec: { scopes: ['BestEffort'] }, covers: others('asking') },
  { name: 'NotBestEffort', spec: { scopes: ['NotBestEffort'] }, covers: ['asking'] },
  { name: 'two at once', spec: { scopes: ['BestEffort', 'Terminating'] }, covers: ['timed'] },
  { name: 'CrossNamespacePodAffinity', spec: { scopes: ['CrossNamespacePodAffinity'] }, covers: ['far'] },
  { name: 'PriorityClass', spec: { scopes: ['PriorityClass'] }, covers: ['urgent', 'slow'] },
  { name: 'In', spec: requirement('PriorityClass', 'In', ['urgent', 'x']), covers: ['urgent'] },
  { name: 'NotIn', spec: requirement('PriorityClass', 'NotIn', ['urgent']), covers: others('urgent') },
  { name: 'Exists', spec: requirement('PriorityClass', 'Exists'), covers: ['urgent', 'slow'] },
  { name: 'DoesNotExist', spec: requirement('PriorityClass', 'DoesNotExist'), covers: others('urgent', 'slow') },
  { name: 'one that is unknown', spec: { scopes: ['VolumeAttributesClass'] }, covers: [] },
]

describe('pods that a quota covers, by scope', () => {
  for (const { name, spec, covers } of cases) {
    test(name, () => {
      const quota = { metadata: { name: 'q' }, spec } as ResourceQuota
      const covered = all.filter((pod) => {
        const object = { metadata: { name: pod }, spec: { containers: [{ name: 'a', image: 'x' }], ...pods[pod] } }
        return isCovered(quota, Pod, object as unknown as Pod)
      })
      assert.deepEqual(covered, covers)
    })
  }
})

test('a quota with scopes has nothing to say about other kinds', () => {
  const service = { metadata: { name: 's' }, spec: {} } as Service
  const quota = (spec: object) => ({ metadata: { name: 'q' }, spec }) as ResourceQuota
  assert.equal(isCovered(quota({ scopes: ['NotTerminating'] }), Service, service), false)
  assert.equal(isCovered(quota({}), Service, service), true)
})
