/** A second cluster beside the first one; and what is left when all are gone. */
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { startCluster } from './cluster.ts'
import { countBy, inPod, startLoad, waitForEndpoints, waitForReady } from './observe-cluster.ts'
import { renderDeployment, renderLoad, renderService, renderShell } from './manifests.ts'
import type { SuiteContext } from './suite.ts'
import type { TestUser } from './test-users.ts'
import { waitFor, yes } from './wait-for.ts'

export async function checkTwoClusters({ step, registry, note }: SuiteContext): Promise<void> {
  await step('two clusters do not disturb each other', async (first) => {
    await using load = await startLoad(first, 'load', renderLoad('load', 'http://hello-svc'))
    {
      await using second = await startCluster({ name: 'other', user: first.user, nodes: 2, mirror: registry.url })
      await second.apply(renderDeployment({ name: 'hello', replicas: 2, text: 'the other cluster' }))
      await second.apply(renderService({ name: 'hello-svc', selector: { app: 'hello' } }))
      await second.apply(renderShell('shell'))
      await waitForReady(second, 'shell')
      await waitForEndpoints(second, 'hello-svc', 2)
      assert.equal((await inPod(second, 'shell', 'wget -qO- http://hello-svc')).trim(), 'the other cluster')
      await load.more(20)
      const listed = await first.frontdesk(['ls', '-o', 'name'])
      assert.deepEqual(listed.trim().split('\n').toSorted(), ['e2e', 'other'])
    }
    await load.more(20)
    const pods = (await waitForEndpoints(first, 'hello-svc', 3)).map(({ pod }) => pod)
    const counts = countBy(await load.answers())
    note(`a second cluster came and went: ${counts.get('FAILED') ?? 0} failed connections in the first`)
    assert.deepEqual(
      [...counts.keys()].filter((answer) => !pods.includes(answer)),
      [],
    )
  })
}

/** No process and no mount of this user's state directory. */
export async function checkLeftovers(user: TestUser): Promise<void> {
  await waitFor(
    'no process of the clusters',
    async () => yes((await findProcesses(user.home)).length === 0),
    10_000,
  ).catch(async (error: unknown) => {
    throw new Error(`left: ${(await findProcesses(user.home)).join('\n')}`, { cause: error })
  })
  assert.doesNotMatch(await readFile('/proc/self/mountinfo', 'utf8'), new RegExp(user.home))
}

async function findProcesses(home: string): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
  const found: string[] = []
  for (const pid of pids) {
    const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
    if (`${text}\0${environment}`.includes(home)) found.push(`${pid}: ${text.replaceAll('\0', ' ')}`)
  }
  return found
}
