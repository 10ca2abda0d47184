/** The whole list of what must be seen working, run once per user. */
import { rm } from 'node:fs/promises'
import { test, type TestContext } from 'node:test'
import { serveRegistry, type TestRegistry } from '../fixtures/serve-registry.ts'
import { buildBusybox, buildHttpEcho, type Fixture } from '../fixtures/tutorial-images.ts'
import { findProgram } from '../fixtures/find-programs.ts'
import { type Cluster, startCluster } from './cluster.ts'
import { checkDualStack } from './check-dual-stack.ts'
import { checkExamples } from './check-examples.ts'
import { checkOutliving } from './check-outliving.ts'
import { checkQuota } from './check-quota.ts'
import { checkServices } from './check-services.ts'
import { checkStateful } from './check-stateful.ts'
import { checkTools } from './check-tools.ts'
import { checkTutorial } from './check-tutorial.ts'
import { checkLeftovers, checkTwoClusters } from './check-two-clusters.ts'
import type { FoundUser, TestUser } from './test-users.ts'

/** One thing to see. What it needs it makes; what it made it may leave for the next. */
export type Step = (name: string, body: (cluster: Cluster) => Promise<void>) => Promise<void>

export interface SuiteContext {
  readonly step: Step
  readonly cluster: Cluster
  readonly registry: TestRegistry
  /** Prints a figure into the test report. */
  readonly note: (text: string) => void
}

const suiteTimeoutMs = 900_000
const nodes = 3

export function defineSuite(found: FoundUser): void {
  const name =
    'user' in found
      ? `Services tutorial with kubectl as ${found.user.isRoot ? 'root' : 'an ordinary user'}`
      : 'Services tutorial'
  const skip = 'skip' in found ? found.skip : false
  test(name, { skip, timeout: suiteTimeoutMs }, async (t) => {
    if ('user' in found) await runSuite(t, found.user)
  })
}

async function runSuite(t: TestContext, user: TestUser): Promise<void> {
  const kubectl = findProgram('kubectl', 'kubernetes-client')
  const images = { busybox: await buildBusybox(), 'http-echo': await buildHttpEcho() }
  const missing = [kubectl, ...Object.values(images)].flatMap((item) => ('missing' in item ? [item.missing] : []))
  if (missing.length > 0) return t.skip(missing.join('; '))
  await using registry = await serveRegistry()
  addImage(registry, 'library/busybox', images.busybox)
  addImage(registry, 'hashicorp/http-echo', images['http-echo'])
  {
    await using cluster = await startCluster({ name: 'e2e', user, nodes, mirror: registry.url })
    const note = (text: string) => t.diagnostic(text)
    const context: SuiteContext = { cluster, registry, note, step: stepsOf(t, cluster) }
    const checks = [
      checkTutorial,
      checkServices,
      checkDualStack,
      checkStateful,
      checkQuota,
      checkTools,
      checkExamples,
      checkTwoClusters,
      checkOutliving,
    ]
    for (const check of checks) await check(context)
  }
  await t.test('down leaves nothing behind', () => checkLeftovers(user))
  await rm(user.home, { recursive: true, force: true })
}

function addImage(registry: TestRegistry, repository: string, fixture: Fixture): void {
  if ('image' in fixture) registry.add(repository, 'latest', fixture.image)
}

/** A failing step says what the cluster looked like; the next ones still run. */
function stepsOf(t: TestContext, cluster: Cluster): Step {
  return async (name, body) => {
    await t.test(name, async () => {
      try {
        await body(cluster)
      } catch (error) {
        console.error(`--- ${name} (${cluster.user.name}) ---\n${await cluster.diagnose()}\n---`)
        throw error
      }
    })
  }
}
