import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CliError, exitCodes, renderCliError } from './cli-error.ts'
import { checkClusterName, selectClusterName } from './select-cluster.ts'
import { selectHome } from './select-cluster-paths.ts'

const choices = [
  { name: 'the one named', named: 'a', existing: ['b'], chosen: 'a' },
  { name: 'the only one there is', named: undefined, existing: ['b'], chosen: 'b' },
  { name: 'the default when there is none', named: undefined, existing: [], chosen: 'frontdesk' },
  { name: 'the default when there are several', named: undefined, existing: ['a', 'b'], chosen: 'frontdesk' },
]

for (const { name, named, existing, chosen } of choices) {
  test(`cluster meant: ${name}`, () => assert.equal(selectClusterName(named, existing), chosen))
}

for (const name of ['', 'A', '-a', 'a-', 'a_b', 'a'.repeat(31), '../x']) {
  test(`no cluster name: ${JSON.stringify(name)}`, () => {
    assert.throws(
      () => checkClusterName(name),
      (error) => error instanceof CliError && error.exitCode === exitCodes.usage,
    )
  })
}

const homes = [
  { name: 'as told', env: { FRONTDESK_HOME: '/x', XDG_STATE_HOME: '/s' }, dir: '/x' },
  { name: 'the state directory', env: { XDG_STATE_HOME: '/s' }, dir: '/s/frontdesk' },
  { name: 'by default', env: {}, dir: '/home/me/.local/state/frontdesk' },
]

for (const { name, env, dir } of homes) {
  test(`state lies ${name}`, () => assert.equal(selectHome(env, '/home/me').dir, dir))
}

test('an error says what failed, why, and what to do', () => {
  const error = new CliError(exitCodes.failed, 'it broke', { cause: 'this', fix: 'that' })
  assert.equal(renderCliError(error), 'error: it broke\n  cause   this\n  fix     that')
})
