import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import { runScenario, scenarioUsers } from './suite/run-scenario.ts'

for (const user of scenarioUsers()) {
  test(`containers, ${user.name}`, { skip: user.skip }, async () => {
    const output = await runScenario(user, [path.join(import.meta.dirname, 'suite', 'containers-scenario.ts')])
    assert.equal(output.match(/^passed: /gm)?.length, 5, output)
  })
}
