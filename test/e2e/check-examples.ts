/** Every folder of examples/ does what its page says. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './checkout.ts'
import type { Cluster } from './cluster.ts'
import { askFromHost } from './observe-cluster.ts'
import type { SuiteContext } from './suite.ts'
import { waitFor, yes } from './wait-for.ts'

const examples = join(root, 'examples')
const inNamespace = ['-n', 'examples']

interface Example {
  readonly workloads: readonly string[]
  readonly check: (cluster: Cluster) => Promise<void>
}

const known: Readonly<Record<string, Example>> = {
  hello: { workloads: ['deployment/hello'], check: (cluster) => expectAnswer(cluster, 'hello', /^Hello from hello-/) },
  'node-port': { workloads: ['deployment/clock'], check: (cluster) => expectAnswer(cluster, 'clock', /from clock-/) },
  headless: { workloads: ['statefulset/tickets'], check: checkHeadless },
  'blue-green': { workloads: ['deployment/shop-v1', 'deployment/shop-v2'], check: checkBlueGreen },
}

export async function checkExamples({ step }: SuiteContext): Promise<void> {
  await step('every example is known here', async (cluster) => {
    await cluster.kubectl(['create', 'namespace', 'examples'])
    const folders = readdirSync(examples, { withFileTypes: true }).filter((entry) => entry.isDirectory())
    assert.deepEqual(folders.map(({ name }) => name).toSorted(), Object.keys(known).toSorted())
  })
  for (const [folder, { workloads, check }] of Object.entries(known)) {
    await step(`examples/${folder}`, async (cluster) => {
      await cluster.kubectl(['apply', ...inNamespace, '-f', join(examples, folder)])
      for (const workload of workloads) {
        await cluster.kubectl(['rollout', 'status', workload, '--timeout=60s', ...inNamespace])
      }
      await check(cluster)
    })
  }
  await step('examples go with their namespace', async (cluster) => {
    await cluster.kubectl(['delete', 'namespace', 'examples', '--timeout=60s'])
  })
}

async function ask(cluster: Cluster, service: string): Promise<string> {
  const url = new URL(
    (await cluster.frontdesk(['url', `svc/${service}`, '--name', cluster.name, ...inNamespace])).trim(),
  )
  return askFromHost(url.hostname, Number(url.port || 80))
}

async function expectAnswer(cluster: Cluster, service: string, expected: RegExp): Promise<void> {
  assert.match(await ask(cluster, service), expected)
}

async function checkHeadless(cluster: Cluster): Promise<void> {
  const script = `fetch('http://tickets-1.tickets:8080').then((answer) => answer.text()).then(console.log)`
  const answer = await cluster.kubectl(['exec', 'tickets-0', ...inNamespace, '--', 'node', '--eval', script])
  assert.match(answer, /^ticket \d+ of tickets-1/)
}

async function checkBlueGreen(cluster: Cluster): Promise<void> {
  assert.equal(await ask(cluster, 'shop'), 'shop v1')
  await cluster.kubectl(['patch', 'service', 'shop', ...inNamespace, '-p', '{"spec":{"selector":{"version":"v2"}}}'])
  await waitFor('the Service to answer with v2', async () => yes((await ask(cluster, 'shop')) === 'shop v2'))
}
