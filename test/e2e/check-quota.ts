/** ResourceQuotas: how many Services and node ports a namespace may have. */
import assert from 'node:assert/strict'
import type { SuiteContext } from './suite.ts'
import { waitFor, yes } from './wait-for.ts'

const inTeam = ['-n', 'team']

export async function checkQuota({ step }: SuiteContext): Promise<void> {
  await step('a quota lets two Services be, refuses the third, and a deleted one makes room', async (cluster) => {
    const create = (name: string, type = 'clusterip') =>
      cluster.tryKubectl(['create', 'service', type, name, '--tcp=80:80', ...inTeam])
    const describe = () => cluster.kubectl(['describe', 'quota', 'few', ...inTeam])
    await cluster.kubectl(['create', 'namespace', 'team'])
    await cluster.kubectl(['create', 'quota', 'few', '--hard=services=2,services.nodeports=1', ...inTeam])
    await waitFor('the first count', async () => yes(/^services +0 +2$/m.test(await describe())))
    assert.equal((await create('one', 'nodeport')).code, 0)
    assert.equal((await create('two')).code, 0)
    const third = await create('three')
    assert.notEqual(third.code, 0)
    assert.match(
      third.stderr,
      /services "three" is forbidden: exceeded quota: few, requested: services=1, used: services=2, limited: services=2/,
    )
    const shown = await describe()
    assert.match(shown, /^services +2 +2$/m)
    assert.match(shown, /^services\.nodeports +1 +1$/m)
    await cluster.kubectl(['delete', 'service', 'one', ...inTeam])
    assert.equal((await create('three')).code, 0)
    const port = ['patch', 'service', 'two', '-p', '{"spec":{"type":"NodePort"}}', ...inTeam]
    await cluster.kubectl(port)
    const another = await cluster.tryKubectl(port.with(2, 'three'))
    assert.match(another.stderr, /exceeded quota: few, requested: services.nodeports=1/)
    await cluster.kubectl(['delete', 'namespace', 'team', '--timeout=60s'])
  })
}
