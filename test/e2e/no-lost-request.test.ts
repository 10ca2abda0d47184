/** No request is lost while pods come and go; a small version of `npm run bench:rollout`, as the user who runs the tests. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renderRollouts } from '../../tools/bench/render-rollouts.ts'
import { demanded, lost, lostByControl } from '../../tools/bench/rollout-counts.ts'
import { measureRollouts } from '../../tools/bench/rollout.ts'

test('rollouts, scaling, a drain and killed processes lose no request', { timeout: 300_000 }, async (t) => {
  const tell = (line: string) => t.diagnostic(line)
  const options = { rollouts: 3, requests: 4_000, rate: 150, nodes: 4, timedDeletions: 3 }
  const result = await measureRollouts({ ...options, tell })
  for (const line of renderRollouts(result).split('\n')) tell(line)
  assert.equal(lost(result.counts), 0, renderRollouts(result))
  assert.ok(demanded(result.counts) >= 4_000, 'enough requests were made')
  assert.ok(
    lostByControl(result.counts) > 0,
    'inconclusive: pods that did not wait for their routes lost nothing either',
  )
})
