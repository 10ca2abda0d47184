/** No request is lost while pods come and go; a small version of `npm run bench:rollout`, as the user who runs the tests. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countFailures, measureRollouts, renderRollouts, total } from '../../tools/bench/rollout.ts'

test('rollouts, scaling, a drain and a killed control plane lose no request', { timeout: 180_000 }, async (t) => {
  const tell = (line: string) => t.diagnostic(line)
  const result = await measureRollouts({ rollouts: 3, requests: 5_000, rate: 300, timedDeletions: 3, tell })
  for (const line of renderRollouts(result).split('\n')) tell(line)
  assert.equal(countFailures(result.ordered), 0, renderRollouts(result))
  assert.ok(total(result.ordered) > 5_000, 'enough requests were made')
  if (countFailures(result.control) === 0)
    tell('inconclusive: pods that did not wait for their routes lost nothing either')
})
