/** The tutorial's first half: a Deployment, a Service in front of it, and what happens when pods come and go. */
import assert from 'node:assert/strict'
import {
  askFromPod,
  countBy,
  inPod,
  listPods,
  readEndpoints,
  startLoad,
  waitForEndpoints,
  waitForReady,
  waitForRollout,
} from './observe-cluster.ts'
import { renderDeployment, renderLoad, renderService, renderShell } from './manifests.ts'
import type { SuiteContext } from './suite.ts'
import { waitFor, yes } from './wait-for.ts'

const greeting = 'Hello from Kubernetes Service!'
const url = 'http://hello-svc.default.svc.cluster.local'

export async function checkTutorial({ step, note }: SuiteContext): Promise<void> {
  await step('three replicas become ready, get and describe show them', async (cluster) => {
    await cluster.apply(renderDeployment({ name: 'hello', text: greeting }))
    await cluster.apply(renderService({ name: 'hello-svc', selector: { app: 'hello' } }))
    await waitForRollout(cluster, 'deployment/hello')
    const endpoints = await waitForEndpoints(cluster, 'hello-svc', 3)
    const wide = await cluster.kubectl(['get', 'svc,endpointslices,pods', '-o', 'wide'])
    for (const { ip, pod } of endpoints) assert.match(wide, new RegExp(`pod/${pod} .*1/1 .*Running .*${ip}`))
    assert.match(wide, /service\/hello-svc\s+ClusterIP\s+10\.\S+\s+<none>\s+80\/TCP/)
    const described = await cluster.kubectl(['describe', 'svc', 'hello-svc'])
    for (const { ip } of endpoints) assert.match(described, new RegExp(`^Endpoints:.*\\b${ip}:5678`, 'm'))
    assert.match(described, /^Events:/m)
    const pod = await cluster.kubectl(['describe', 'pod', endpoints[0]!.pod])
    for (const reason of ['Scheduled', 'Pulled', 'Created', 'Started'])
      assert.match(pod, new RegExp(`^  \\w+\\s+${reason}\\s`, 'm'))
  })

  await step('pods are spread over the nodes', async (cluster) => {
    const nodes = (await listPods(cluster, ['-l', 'app=hello'])).map(({ spec }) => spec.nodeName)
    assert.equal(new Set(nodes).size, 3)
  })

  await step('a pod made by kubectl run reads the text by the name of the Service', async (cluster) => {
    const run = ['run', 'test-box', '--rm', '-i', '--image=busybox', '--restart=Never', '--', 'wget', '-qO-', url]
    assert.match(await cluster.kubectl(run), new RegExp(greeting))
    const { code } = await cluster.tryKubectl(['get', 'pod', 'test-box'])
    assert.notEqual(code, 0, 'kubectl run --rm removes the pod')
  })

  await step('300 connections spread evenly over the three pods', async (cluster) => {
    await cluster.apply(renderDeployment({ name: 'hello' }))
    await cluster.apply(renderShell('shell'))
    await waitForReady(cluster, 'shell')
    await waitForRollout(cluster, 'deployment/hello')
    const endpoints = await waitForEndpoints(cluster, 'hello-svc', 3)
    const counts = countBy(await askFromPod(cluster, 'shell', { url, count: 300 }))
    note(`300 connections: ${[...counts.values()].join(' ')}`)
    assert.deepEqual([...counts.keys()].toSorted(), endpoints.map(({ pod }) => pod).toSorted())
    const fiveSigma = 5 * Math.sqrt(300 * (1 / 3) * (2 / 3))
    for (const count of counts.values()) assert.ok(Math.abs(count - 100) < fiveSigma, `${count} of 300`)
  })

  await step('a deleted pod gets no traffic, a new one with a new address joins', async (cluster) => {
    await using load = await startLoad(cluster, 'load', renderLoad('load', url))
    await load.more(20)
    const before = await waitForEndpoints(cluster, 'hello-svc', 3)
    const victim = before[0]!
    await cluster.kubectl(['delete', 'pod', victim.pod])
    const seen = (await load.answers()).length
    const after = await waitFor('a replacement', async () => {
      const endpoints = await readEndpoints(cluster, 'hello-svc')
      return endpoints.length === 3 && endpoints.every(({ pod }) => pod !== victim.pod) ? endpoints : undefined
    })
    const joined = after.find(({ pod }) => before.every((other) => other.pod !== pod))!
    assert.ok(
      before.every(({ ip }) => ip !== joined.ip),
      'the address is new',
    )
    await waitFor('an answer of the new pod', async () => yes((await load.answers()).slice(seen).includes(joined.pod)))
    await load.more(60)
    const answers = (await load.answers()).slice(seen)
    assert.equal(countBy(answers).get(victim.pod) ?? 0, 0, 'answers of the dead pod')
    note(`delete pod: ${describeFailures(answers)} after it`)
    assert.equal(countFailures(answers), 0, describeFailures(answers))
  })

  await step('scale and rollout restart under load', async (cluster) => {
    await using load = await startLoad(cluster, 'load', renderLoad('load', url))
    await load.more(20)
    for (const replicas of [6, 2, 3]) {
      await cluster.kubectl(['scale', 'deployment/hello', `--replicas=${replicas}`])
      await waitForRollout(cluster, 'deployment/hello')
      await waitForEndpoints(cluster, 'hello-svc', replicas)
    }
    const old = await readEndpoints(cluster, 'hello-svc')
    await cluster.kubectl(['rollout', 'restart', 'deployment/hello'])
    await waitForRollout(cluster, 'deployment/hello')
    await waitFor('only new pods', async () => {
      const now = await readEndpoints(cluster, 'hello-svc')
      return yes(now.length === 3 && now.every(({ pod }) => old.every((other) => other.pod !== pod)))
    })
    await load.more(30)
    const answers = await load.answers()
    const failures = countFailures(answers)
    note(`scale and rollout under load: ${describeFailures(answers)}`)
    assert.ok(answers.length > 100, `only ${answers.length} connections were made`)
    assert.equal(failures, 0, describeFailures(answers))
  })

  await step('rollout history and undo', async (cluster) => {
    await cluster.apply(renderDeployment({ name: 'hello', text: 'second' }))
    await waitForRollout(cluster, 'deployment/hello')
    assert.match(await cluster.kubectl(['rollout', 'history', 'deployment/hello']), /REVISION/)
    await cluster.kubectl(['rollout', 'undo', 'deployment/hello'])
    await waitForRollout(cluster, 'deployment/hello')
    await waitForEndpoints(cluster, 'hello-svc', 3)
    await waitFor('the former text', async () =>
      yes((await inPod(cluster, 'shell', `wget -qO- ${url}`)).startsWith('hello-')),
    )
  })
}

const countFailures = (answers: readonly string[]) => answers.filter((line) => line === 'FAILED').length

/** wget's own complaint comes on a line of its own before FAILED; without one, it waited too long. */
function describeFailures(answers: readonly string[]): string {
  const failed = answers.flatMap((line, index) => (line === 'FAILED' ? [answers[index - 1] ?? ''] : []))
  const reasons = [...countBy(failed.map((line) => (line.startsWith('wget') ? line : 'no answer')))]
  const why = reasons.map(([reason, count]) => `${count} × ${reason}`).join(', ')
  return `${failed.length} failed of ${answers.length} connections${why && ` (${why})`}`
}
