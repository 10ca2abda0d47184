/**
 * Counts what is lost while pods come and go under a constant load of new and kept connections: rolling restarts, scaling,
 * a node drained, the control plane killed in the middle of a rollout (and with it every Service proxy). Two Deployments go
 * through everything side by side; the pods of the second are stopped without waiting for their routes, as a control.
 *
 * `npm run bench:rollout`: 1,000,000 requests over 50 rollouts. Options: `--rollouts N`, `--requests N`, `--rate N`.
 */
import { parseArgs } from 'node:util'
import { setTimeout as delay } from 'node:timers/promises'
import { Event } from '#api/event.ts'
import { startBenchCluster, type BenchCluster } from './bench-cluster.ts'
import type { TargetCounts } from './rollout-load.ts'
import {
  createApp,
  drain,
  namespace,
  replicas,
  restart,
  scale,
  timeDeletion,
  timeWrites,
  uncordon,
  untilSettled,
} from './rollout-objects.ts'
import { startRolloutLoad, type RunningLoad } from './start-rollout-load.ts'
import { summarize, type Summary } from './statistics.ts'

export interface RolloutOptions {
  readonly rollouts: number
  /** At least so many to the ordered Deployment. */
  readonly requests: number
  /** New connections a second to each Deployment; on kept connections there are as many requests. */
  readonly rate: number
  readonly timedDeletions: number
  readonly tell: (line: string) => void
}

export interface RolloutResult {
  readonly ordered: TargetCounts
  readonly control: TargetCounts
  readonly deletion: { readonly ordered: Summary; readonly control: Summary }
  /** One write of a small object through the API, in milliseconds: what a wait is made of. */
  readonly write: Summary
  /** Pods that were stopped although somebody had not confirmed, by the message of the event. */
  readonly unconfirmed: readonly string[]
}

const apps = ['ordered', 'control'] as const
const nodes = 3

export async function measureRollouts(options: RolloutOptions): Promise<RolloutResult> {
  await using cluster = await startBenchCluster(nodes)
  const { client } = cluster
  const addresses = await Promise.all(apps.map((name) => createApp(client, name, name === 'ordered')))
  await settle(cluster)
  const deletion = await timeDeletions(cluster, options.timedDeletions)
  const write = summarize(await timeWrites(client, options.timedDeletions))
  const load = { ordered: addresses[0]!, control: addresses[1]!, rate: options.rate }
  await using running = await startRolloutLoad(cluster, load)
  await running.more(options.rate)
  await runAll(cluster, running, options)
  const { items } = await client.of(Event).list({ namespace, fieldSelector: 'reason=RoutesNotWithdrawn' })
  const unconfirmed = items
    .filter(({ involvedObject }) => involvedObject.name?.startsWith('ordered'))
    .map(({ message = '' }) => message)
  const counts = running.counts()
  return { ordered: counts['ordered']!, control: counts['control']!, deletion, write, unconfirmed }
}

async function runAll(cluster: BenchCluster, load: RunningLoad, options: RolloutOptions): Promise<void> {
  const { client } = cluster
  const each = (act: (name: string) => Promise<unknown>) => Promise.all(apps.map(act))
  const step = async (name: string, act: () => Promise<unknown>): Promise<void> => {
    const begun = performance.now()
    await act()
    await settle(cluster)
    await load.more(options.rate / 5)
    const seconds = ((performance.now() - begun) / 1000).toFixed(1)
    options.tell(`${name.padEnd(36)} ${seconds.padStart(5)} s   ${describe(load.counts())}`)
  }
  for (const count of [6, 2, replicas])
    await step(`scale to ${count}`, () => each((name) => scale(client, name, count)))
  const node = `${cluster.name}-2`
  await step('drain a node', () => drain(client, node, apps))
  await step('uncordon it, rolling restart', async () => {
    await uncordon(client, node)
    await each((name) => restart(client, name))
  })
  await step('kill -9 control plane in a rollout', async () => {
    await each((name) => restart(client, name))
    await delay(700)
    await killControlPlane(cluster)
    await cluster.up()
  })
  for (let index = 2; index < options.rollouts; index++) {
    await step(`rolling restart ${index + 1}`, () => each((name) => restart(client, name)))
  }
  while (total(load.counts()['ordered']!) < options.requests) {
    await step('steady load', () => load.more(Math.min(options.requests, options.rate * 60)))
  }
}

/** The proxies run in it: their rules stay, and are adopted by the next. */
async function killControlPlane(cluster: BenchCluster): Promise<void> {
  const victim = (await cluster.processes()).find(({ role }) => role === 'control-plane')
  if (!victim) throw new Error('Cannot kill the control plane: it does not run')
  process.kill(victim.pid, 'SIGKILL')
}

async function settle({ client }: BenchCluster): Promise<void> {
  await Promise.all(apps.map((name) => untilSettled(client, name)))
}

async function timeDeletions({ client }: BenchCluster, count: number): Promise<RolloutResult['deletion']> {
  const times: Record<(typeof apps)[number], number[]> = { ordered: [], control: [] }
  for (let index = 0; index < count; index++) {
    for (const app of apps) times[app].push(await timeDeletion(client, app, app === 'ordered'))
  }
  return { ordered: summarize(times.ordered), control: summarize(times.control) }
}

export const total = ({ fresh, kept }: TargetCounts): number => fresh + kept
export const countFailures = ({ failures }: TargetCounts): number =>
  Object.values(failures).reduce((sum, count) => sum + count, 0)

const describe = (counts: Readonly<Record<string, TargetCounts>>): string =>
  Object.entries(counts)
    .map(([name, one]) => `${name} ${countFailures(one)} of ${total(one)}`)
    .join(', ')

export function renderRollouts({ ordered, control, deletion, write, unconfirmed }: RolloutResult): string {
  const line = (name: string, counts: TargetCounts) => {
    const kinds = Object.entries(counts.failures).map(([kind, count]) => `${count} × ${kind}`)
    const why = kinds.length > 0 ? ` (${kinds.join(', ')})` : ''
    const { fresh, kept, slowestMs } = counts
    return `${name}: ${countFailures(counts)} lost${why}; ${fresh} new and ${kept} kept answered, slowest ${slowestMs} ms`
  }
  const added = deletion.ordered.median - deletion.control.median
  return [
    line('routes first', ordered),
    line('control, not waiting', control),
    `deletion of a pod: ${deletion.ordered.median.toFixed(1)} ms, control ${deletion.control.median.toFixed(1)} ms: ` +
      `${added.toFixed(1)} ms added; one write to the API: ${write.median.toFixed(1)} ms (medians)`,
    `stopped without confirmation: ${unconfirmed.length}${unconfirmed[0] ? ` (${unconfirmed[0]})` : ''}`,
  ].join('\n')
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      rollouts: { type: 'string', default: '50' },
      requests: { type: 'string', default: '1000000' },
      rate: { type: 'string', default: '300' },
    },
  })
  const result = await measureRollouts({
    rollouts: Number(values.rollouts),
    requests: Number(values.requests),
    rate: Number(values.rate),
    timedDeletions: 20,
    tell: (line) => console.log(line),
  })
  console.log(renderRollouts(result))
  if (countFailures(result.control) === 0) console.log('inconclusive: the control has lost nothing either')
  process.exitCode = countFailures(result.ordered) === 0 ? 0 : 1
}
