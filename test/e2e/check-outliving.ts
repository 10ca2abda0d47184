/** Pods outlive the control plane. */
import assert from 'node:assert/strict'
import type { Cluster } from './cluster.ts'
import { countBy, listPods, startLoad, waitForEndpoints } from './observe-cluster.ts'
import { renderLoad } from './manifests.ts'
import type { SuiteContext } from './suite.ts'
import { waitFor, yes } from './wait-for.ts'

interface Status {
  readonly processes: readonly { readonly role: string; readonly pid: number; readonly rssBytes: number }[]
}

export async function checkOutliving({ step, note }: SuiteContext): Promise<void> {
  await step('pods and Services go on while the control plane is dead, and are adopted', async (cluster) => {
    const { clusterIP } = (await cluster.get<{ spec: { clusterIP: string } }>(['svc', 'hello-svc'])).spec
    // By address: the process that answers names is killed too.
    await using load = await startLoad(cluster, 'load', renderLoad('load', `http://${clusterIP}`))
    await load.more(10)
    const endpoints = await waitForEndpoints(cluster, 'hello-svc', 3)
    const before = await fingerprints(cluster)
    const { processes } = JSON.parse(await cluster.frontdesk(['status', cluster.name, '-o', 'json'])) as Status
    assert.ok(processes.some(({ role }) => role === 'holder'))
    const killed = processes.filter(({ role }) => role !== 'holder')
    assert.ok(killed.length > 0)
    for (const { pid } of killed) process.kill(pid, 'SIGKILL')
    await cluster.up()
    await waitFor('the API', async () => yes((await cluster.tryKubectl(['get', 'nodes'])).code === 0))
    await load.more(30)
    const answers = await load.answers()
    note(`control plane killed: ${countBy(answers).get('FAILED') ?? 0} failed of ${answers.length} connections`)
    assert.equal(countBy(answers).get('FAILED') ?? 0, 0)
    assert.deepEqual(await fingerprints(cluster), before)
    assert.deepEqual(
      (await waitForEndpoints(cluster, 'hello-svc', 3)).map(({ ip }) => ip).toSorted(),
      endpoints.map(({ ip }) => ip).toSorted(),
    )
  })
}

interface RunningStatus {
  readonly podIP: string
  readonly containerStatuses: readonly { readonly containerID: string; readonly restartCount: number }[]
}

/** What would change if a pod were touched. */
async function fingerprints(cluster: Cluster): Promise<readonly string[]> {
  const pods = await listPods(cluster, [])
  return pods.map(({ metadata, status }) => {
    const { podIP, containerStatuses } = status as unknown as RunningStatus
    const containers = containerStatuses.map(({ containerID, restartCount }) => `${containerID} ${restartCount}`)
    return [metadata.name, metadata.uid, podIP, ...containers].join(' ')
  })
}
