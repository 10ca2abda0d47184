/** Names: a StatefulSet behind a headless Service, and ExternalName. */
import assert from 'node:assert/strict'
import { inPod, listPods, waitForEndpoints, waitForRollout } from './observe-cluster.ts'
import { renderService, renderStatefulSet } from './manifests.ts'
import type { SuiteContext } from './suite.ts'

export async function checkStateful({ step }: SuiteContext): Promise<void> {
  await step('pods of a StatefulSet have names of their own', async (cluster) => {
    await cluster.apply(renderService({ name: 'db-svc', selector: { app: 'db' }, headless: true }))
    await cluster.apply(renderStatefulSet('db', 'db-svc'))
    await waitForRollout(cluster, 'statefulset/db')
    const endpoints = await waitForEndpoints(cluster, 'db-svc', 3)
    const pods = (await listPods(cluster, ['-l', 'app=db'])).map(({ metadata }) => metadata.name)
    assert.deepEqual(pods.toSorted(), ['db-0', 'db-1', 'db-2'])
    for (const pod of pods) {
      const answer = await inPod(cluster, 'shell', `wget -qO- http://${pod}.db-svc:5678`)
      assert.equal(answer.trim(), pod)
    }
    const looked = await inPod(cluster, 'shell', 'nslookup db-0.db-svc.default.svc.cluster.local')
    assert.deepEqual(answersOf(looked), [endpoints.find(({ pod }) => pod === 'db-0')?.ip])
  })

  await step('a headless Service resolves to all of its pods', async (cluster) => {
    const endpoints = await waitForEndpoints(cluster, 'db-svc', 3)
    const looked = await inPod(cluster, 'shell', 'nslookup db-svc.default.svc.cluster.local')
    assert.deepEqual(answersOf(looked).toSorted(), endpoints.map(({ ip }) => ip).toSorted())
  })

  await step('a pod of a StatefulSet comes back under its name', async (cluster) => {
    await cluster.kubectl(['delete', 'pod', 'db-1'])
    await waitForRollout(cluster, 'statefulset/db')
    await waitForEndpoints(cluster, 'db-svc', 3)
    assert.equal((await inPod(cluster, 'shell', 'wget -qO- http://db-1.db-svc:5678')).trim(), 'db-1')
  })

  await step('ExternalName answers a CNAME', async (cluster) => {
    await cluster.kubectl(['create', 'service', 'externalname', 'outside', '--external-name=www.example.org'])
    const looked = await inPod(cluster, 'shell', 'nslookup -type=cname outside.default.svc.cluster.local || true')
    assert.match(looked, /canonical name = www\.example\.org/)
  })

  await step('a name that is not there does not exist', async (cluster) => {
    const looked = await inPod(cluster, 'shell', 'nslookup nope.default.svc.cluster.local 2>&1 || true')
    assert.match(looked, /NXDOMAIN/)
    await cluster.kubectl(['delete', 'statefulset/db', 'svc/db-svc', 'svc/outside'])
  })
}

/** The first "Address" of busybox' nslookup is the server's. */
function answersOf(looked: string): readonly string[] {
  return [...looked.matchAll(/^Address(?: \d+)?:\s+(\d+\.\d+\.\d+\.\d+)$/gm)].map((match) => match[1]!)
}
