import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sampleNowMs, samplePod } from '../sample-objects.ts'
import type { SamplePod } from '../sample-objects.ts'
import { selectVictims } from './select-victims.ts'

describe('selectVictims', () => {
  const keep: SamplePod = { node: 'a' }
  const cases: { name: string; victim: SamplePod; other: SamplePod }[] = [
    { name: 'unscheduled before scheduled', victim: { phase: 'Running' }, other: keep },
    { name: 'pending before running', victim: { node: 'a', phase: 'Pending' }, other: keep },
    { name: 'not ready before ready', victim: { node: 'a', ready: false }, other: keep },
    {
      name: 'lower deletion cost first',
      victim: { node: 'a', annotations: { 'controller.kubernetes.io/pod-deletion-cost': '-5' } },
      other: keep,
    },
    { name: 'crowded node first', victim: { node: 'crowded' }, other: keep },
    { name: 'ready for a shorter time first', victim: { node: 'a', readySince: '2026-03-01T11:59:00Z' }, other: keep },
    { name: 'more restarts first', victim: { node: 'a', restarts: 3 }, other: keep },
    { name: 'younger first', victim: { node: 'a', created: '2026-03-01T11:58:00Z' }, other: keep },
  ]
  for (const { name, victim, other } of cases) {
    it(name, () => {
      const [first, second] = [samplePod('victim', victim), samplePod('other', other)]
      const neighbour = samplePod('neighbour', { node: 'crowded' })
      const relatedPods = [first, second, neighbour]
      for (const pods of [
        [first, second],
        [second, first],
      ]) {
        const chosen = selectVictims({ pods, count: 1, relatedPods, nowMs: sampleNowMs })
        assert.deepEqual(
          chosen.map(({ metadata }) => metadata.name),
          ['victim'],
        )
      }
    })
  }
})
