import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDelay, planRestart, type RestartDecision } from './plan-crash-backoff.ts'
import type { CrashBackoff } from './container-record.ts'

test('a container that crashes at once: immediately, then 10 s, doubling up to 5 min', () => {
  let backoff: CrashBackoff | undefined
  let nowMs = 0
  const delays: number[] = []
  for (let crash = 0; crash < 8; crash++) {
    const finishedMs = nowMs
    let decision: RestartDecision = planRestart(backoff, finishedMs, nowMs)
    if (decision.type === 'wait') {
      nowMs = decision.untilMs
      decision = planRestart(backoff, finishedMs, nowMs)
    }
    assert.equal(decision.type, 'start')
    delays.push((nowMs - finishedMs) / 1000)
    backoff = decision.type === 'start' ? decision.backoff : backoff
  }
  assert.deepEqual(delays, [0, 10, 20, 40, 80, 160, 300, 300])
})

test('after ten good minutes all is forgiven', () => {
  const decision = planRestart({ delayMs: 300_000, updatedAtMs: 0 }, 600_001, 600_001)
  assert.deepEqual(decision, { type: 'start', backoff: { delayMs: 10_000, updatedAtMs: 600_001 } })
})

test('delays are written as in Go', () =>
  assert.deepEqual([10_000, 80_000, 300_000].map(formatDelay), ['10s', '1m20s', '5m0s']))
