/**
 * Counts what is lost while pods come and go under a constant load of new and kept connections and datagrams: see
 * rollout-steps.ts for what is done and rollout-targets.ts for the ways that are taken. The pods of one Deployment are
 * stopped without waiting for their routes, which follow late: the control. Fails when anything is lost, and when the control loses nothing:
 * then nothing was shown.
 *
 * `npm run bench:rollout`: 1,000,000 requests over 50 rollouts; writes docs/benchmarks-rollout.md. Options: `--rollouts N`,
 * `--requests N`, `--rate N`, `--nodes N`, `--write` to write the page of a smaller run, too.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { Event } from '#api/event.ts'
import type { Client } from '#client/contract.ts'
import { type BenchCluster, startBenchCluster } from './bench-cluster.ts'
import { mirrorSlowly } from './mirror-slowly.ts'
import { renderPage, renderRollouts } from './render-rollouts.ts'
import {
  controlName,
  countFailures,
  countForced,
  demanded,
  lost,
  lostByControl,
  type RolloutResult,
} from './rollout-counts.ts'
import type { LoadReport } from './rollout-load.ts'
import {
  apps,
  createApp,
  deleteByForce,
  namespace,
  podsOf,
  restart,
  timeDeletion,
  timeWrites,
} from './rollout-objects.ts'
import { planSteps, settle } from './rollout-steps.ts'
import { createTargets } from './rollout-targets.ts'
import { startRolloutLoad, type RunningLoad } from './start-rollout-load.ts'
import { summarize } from './statistics.ts'

const maxControlRestarts = 20
const control = apps.find(({ name }) => name === controlName)!

export interface RolloutOptions {
  readonly rollouts: number
  /** At least so many, by all ways that must lose nothing. */
  readonly requests: number
  /** New connections a second to the first Service, and as many requests on kept ones; other ways get less. */
  readonly rate: number
  /** At least four: one is removed, and pods in the network of their node have it to themselves. */
  readonly nodes: number
  readonly timedDeletions: number
  readonly tell: (line: string) => void
}

export async function measureRollouts(options: RolloutOptions): Promise<RolloutResult> {
  // Before the cluster, to be removed after it: pods that start would make it anew.
  using directory = openDirectory()
  await using cluster = await startBenchCluster(options.nodes)
  const { client } = cluster
  await Promise.all(apps.map((app) => createApp(client, app, directory.path)))
  const targets = await createTargets(cluster, options.rate)
  using mirror = openAborter()
  await mirrorSlowly(client, control, mirror.signal)
  await settle(cluster)
  const deletion = await timeDeletions(client, directory.path, options.timedDeletions)
  const write = summarize(await timeWrites(client, options.timedDeletions))
  await using load = await startRolloutLoad(cluster, targets)
  const begun = performance.now()
  const steps = planSteps({ cluster, directory: directory.path, rollouts: options.rollouts })
  await load.until((counts) => demanded(counts) >= options.rate)
  for (const [index, step] of steps.entries()) {
    const stepBegun = performance.now()
    await step.act()
    await settle(cluster)
    const seconds = ((performance.now() - stepBegun) / 1000).toFixed(1)
    await atLeast(load, (options.requests * (index + 1)) / steps.length)
    options.tell(`${step.name.padEnd(36)} ${seconds.padStart(5)} s   ${describe(load.counts())}`)
  }
  await untilControlLoses(cluster, load, options.tell)
  const seconds = (performance.now() - begun) / 1000
  const unconfirmed = await listUnconfirmed(client)
  const counts = load.counts()
  const [pod = ''] = await podsOf(client, apps[0]!)
  await deleteByForce(client, pod)
  await settle(cluster)
  await load.until((latest) => demanded(latest) >= demanded(counts) + options.rate)
  const forced = countForced(counts, load.counts())
  const { rollouts, nodes } = options
  return { counts, forced, rollouts, nodes, seconds, deletion, write, unconfirmed }
}

/** Steps are spread evenly over all requests; some are made in any case after each. */
async function atLeast(load: RunningLoad, count: number): Promise<void> {
  const some = demanded(load.counts()) + 200
  await load.until((counts) => demanded(counts) >= Math.max(some, count))
}

/** Few rollouts may cost the control nothing by luck: it gets more of them until one does, under the same load. */
async function untilControlLoses(
  cluster: BenchCluster,
  load: RunningLoad,
  tell: (line: string) => void,
): Promise<void> {
  for (let tries = 1; tries <= maxControlRestarts && lostByControl(load.counts()) === 0; tries++) {
    await restart(cluster.client, control)
    await settle(cluster)
    await atLeast(load, 0)
    tell(`${`restart ${tries} of the control alone`.padEnd(36)}           ${describe(load.counts())}`)
  }
}

function openAborter(): Disposable & { readonly signal: AbortSignal } {
  const stop = new AbortController()
  return { signal: stop.signal, [Symbol.dispose]: () => stop.abort() }
}

function openDirectory(): Disposable & { readonly path: string } {
  const made = mkdtempSync(path.join(tmpdir(), 'frontdesk-rollout-'))
  return { path: made, [Symbol.dispose]: () => rmSync(made, { recursive: true, force: true }) }
}

async function listUnconfirmed(client: Client): Promise<readonly string[]> {
  const { items } = await client.of(Event).list({ namespace, fieldSelector: 'reason=RoutesNotWithdrawn' })
  return items.map(
    ({ involvedObject, message = '', lastTimestamp }) => `${lastTimestamp} ${involvedObject.name}: ${message}`,
  )
}

async function timeDeletions(client: Client, directory: string, count: number): Promise<RolloutResult['deletion']> {
  const times = { ordered: [] as number[], control: [] as number[] }
  for (let index = 0; index < count; index++) {
    for (const name of ['ordered', 'control'] as const) {
      const app = apps.find((one) => one.name === name)!
      times[name].push(await timeDeletion(client, app, directory))
    }
  }
  return { ordered: summarize(times.ordered), control: summarize(times.control) }
}

function describe(counts: LoadReport): string {
  const failing = Object.entries(counts).filter(([, one]) => countFailures(one) > 0)
  const each = failing.map(([name, one]) => `${name} ${countFailures(one)}`)
  return `${lost(counts)} lost of ${demanded(counts)}${each.length > 0 ? `   (${each.join(', ')})` : ''}`
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      rollouts: { type: 'string', default: '50' },
      requests: { type: 'string', default: '1000000' },
      rate: { type: 'string', default: '400' },
      nodes: { type: 'string', default: '5' },
      write: { type: 'boolean', default: false },
    },
  })
  const [rollouts, requests] = [Number(values.rollouts), Number(values.requests)]
  const result = await measureRollouts({
    rollouts,
    requests,
    rate: Number(values.rate),
    nodes: Number(values.nodes),
    timedDeletions: 20,
    tell: (line) => console.log(line),
  })
  console.log(renderRollouts(result))
  if (values.write || (rollouts >= 50 && requests >= 1_000_000 && lostByControl(result.counts) > 0))
    writeFileSync(new URL('../../docs/benchmarks-rollout.md', import.meta.url), renderPage(result))
  const isConclusive = lostByControl(result.counts) > 0
  if (!isConclusive) console.error('inconclusive: the control has lost nothing either, so nothing is shown')
  process.exitCode = isConclusive && lost(result.counts) === 0 ? 0 : 1
}
