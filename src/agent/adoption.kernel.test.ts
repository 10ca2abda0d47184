import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import { runScenario, scenarioUsers } from '#kernel/suite/run-scenario.ts'

const script = (name: string) => path.join(import.meta.dirname, 'suite', name)

for (const user of scenarioUsers()) {
  test(`pods outlive their agent, ${user.name}`, { skip: user.skip }, async () => {
    const output = await runScenario(user, [script('before-crash-scenario.ts'), script('after-crash-scenario.ts')])
    assert.equal(output.match(/^passed: /gm)?.length, 5, output)
  })
}
