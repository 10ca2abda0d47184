import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Deployment } from '#api/deployment.ts'
import { sampleReplicaSet } from '../sample-objects.ts'
import type { SampleSet } from '../sample-objects.ts'
import { isScalingEvent, planRollingUpdate, planScale, setsToForget } from './plan-rollout.ts'
import { revisionOf, sortSets } from './replica-set-facts.ts'
import { rolloutLimits } from './rollout-limits.ts'

function deployment(replicas: number, rollingUpdate: object = {}, spec: object = {}): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default', uid: 'uid-web' },
    spec: {
      replicas,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'new' }] } },
      strategy: { type: 'RollingUpdate', rollingUpdate },
      ...spec,
    },
  }
}

function rollout(of: Deployment, sets: Record<string, SampleSet>) {
  return sortSets(
    of,
    Object.entries(sets).map(([name, set]) => sampleReplicaSet(name, { image: name, ...set })),
  )
}

const sizes = (plan: ReturnType<typeof planScale>) =>
  Object.fromEntries(plan.map(({ set, replicas }) => [set.metadata.name, replicas]))

describe('rolloutLimits', () => {
  const cases = [
    {
      name: 'defaults round surge up and unavailability down',
      replicas: 3,
      rolling: {},
      maxSurge: 1,
      maxUnavailable: 0,
    },
    { name: '25% of ten', replicas: 10, rolling: {}, maxSurge: 3, maxUnavailable: 2 },
    {
      name: 'both nothing: one may be missing',
      replicas: 3,
      rolling: { maxSurge: 0, maxUnavailable: '10%' },
      maxSurge: 0,
      maxUnavailable: 1,
    },
    {
      name: 'never more missing than there are',
      replicas: 2,
      rolling: { maxSurge: 1, maxUnavailable: 5 },
      maxSurge: 1,
      maxUnavailable: 2,
    },
    { name: 'zero replicas', replicas: 0, rolling: {}, maxSurge: 0, maxUnavailable: 0 },
  ]
  for (const { name, replicas, rolling, maxSurge, maxUnavailable } of cases) {
    it(name, () =>
      assert.deepEqual(rolloutLimits(deployment(replicas, rolling)), { replicas, maxSurge, maxUnavailable }),
    )
  }
})

describe('planRollingUpdate', () => {
  const strict = { maxSurge: 1, maxUnavailable: 0 }
  const cases: { name: string; of: Deployment; sets: Record<string, SampleSet>; plan: Record<string, number> }[] = [
    {
      name: 'new set grows by the surge',
      of: deployment(3, strict),
      sets: { old: { replicas: 3 }, new: { replicas: 0 } },
      plan: { new: 1 },
    },
    {
      name: 'nothing shrinks while the new pod is not available',
      of: deployment(3, strict),
      sets: { old: { replicas: 3 }, new: { replicas: 1, available: 0 } },
      plan: {},
    },
    {
      name: 'an available new pod frees an old one',
      of: deployment(3, strict),
      sets: { old: { replicas: 3 }, new: { replicas: 1 } },
      plan: { old: 2 },
    },
    { name: 'done', of: deployment(3, strict), sets: { old: { replicas: 0 }, new: { replicas: 3 } }, plan: {} },
    {
      name: 'unhealthy old pods go first',
      of: deployment(3, strict),
      sets: {
        older: { replicas: 1, available: 0, created: '2026-03-01T10:00:00Z' },
        old: { replicas: 3 },
        new: { replicas: 0 },
      },
      plan: { older: 0 },
    },
    {
      name: 'unavailability lets old pods go at once',
      of: deployment(10, { maxSurge: 0, maxUnavailable: 2 }),
      sets: { old: { replicas: 10 }, new: { replicas: 0 } },
      plan: { old: 8 },
    },
    { name: 'too big a new set shrinks', of: deployment(2, strict), sets: { new: { replicas: 5 } }, plan: { new: 2 } },
  ]
  for (const { name, of, sets, plan } of cases) {
    it(name, () => assert.deepEqual(sizes(planRollingUpdate(rollout(of, sets))), plan))
  }
})

describe('planScale', () => {
  const sized = (replicas: number, max: number) => ({
    'deployment.kubernetes.io/desired-replicas': String(replicas),
    'deployment.kubernetes.io/max-replicas': String(max),
  })
  const half = { replicas: 5, annotations: sized(10, 13) }
  const cases: { name: string; of: Deployment; sets: Record<string, SampleSet>; plan: Record<string, number> }[] = [
    { name: 'one set takes all', of: deployment(5), sets: { new: { replicas: 3 } }, plan: { new: 5 } },
    {
      name: 'upstream example: shares follow sizes',
      of: deployment(15, { maxSurge: 3, maxUnavailable: 2 }),
      sets: { old: { ...half, replicas: 8 }, new: half },
      plan: { old: 11, new: 7 },
    },
    {
      name: 'to zero',
      of: deployment(0),
      sets: { old: { ...half, replicas: 8 }, new: half },
      plan: { old: 0, new: 0 },
    },
    {
      name: 'a saturated new set lets the others go',
      of: deployment(5),
      sets: { old: { replicas: 1, annotations: sized(5, 7) }, new: { replicas: 5, annotations: sized(5, 7) } },
      plan: { old: 0 },
    },
  ]
  for (const { name, of, sets, plan } of cases) {
    it(name, () => assert.deepEqual(sizes(planScale(rollout(of, sets))), plan))
  }

  it('is asked for only when the wanted size has changed', () => {
    const set = { replicas: 3, annotations: sized(3, 4) }
    assert.equal(isScalingEvent(rollout(deployment(3), { new: set })), false)
    assert.equal(isScalingEvent(rollout(deployment(4), { new: set })), true)
  })
})

describe('setsToForget', () => {
  it('keeps the newest old sets and everything that still runs', () => {
    const numbered = (revision: number, replicas = 0) => ({
      replicas,
      annotations: { 'deployment.kubernetes.io/revision': String(revision) },
    })
    const of = deployment(1, {}, { revisionHistoryLimit: 1 })
    const sets = { c: numbered(3), a: numbered(1), b: numbered(2, 1), new: numbered(4, 1) }
    const forgotten = setsToForget(rollout(of, sets), revisionOf)
    assert.deepEqual(
      forgotten.map(({ metadata }) => metadata.name),
      ['a'],
    )
  })
})
