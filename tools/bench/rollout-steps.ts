/** What rollout.ts does to its cluster under load, one after another. */
import { rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { BenchCluster } from './bench-cluster.ts'
import {
  type App,
  apps,
  drain,
  podsOf,
  removeNode,
  restart,
  scale,
  uncordon,
  untilNodeReady,
  untilReadiness,
  untilSettled,
  waitUntil,
} from './rollout-objects.ts'

export interface Step {
  readonly name: string
  act(): Promise<void>
}

export interface StepContext {
  readonly cluster: BenchCluster
  /** Where files say which pods are not ready. */
  readonly directory: string
  readonly rollouts: number
}

/** Into the middle of a rollout; later ones at another moment each. */
const killAfterMs = 700
const killEvery = 10
const scalable = apps.filter(({ hostNetwork }) => !hostNetwork)
const main = apps[0]!

/** Three of the rollouts are in the first steps; the rest come after them. */
export function planSteps(context: StepContext): readonly Step[] {
  const { cluster, directory, rollouts } = context
  const { client } = cluster
  const node = `${cluster.name}-2`
  const all = (act: (app: App) => Promise<unknown>) => async () => void (await Promise.all(apps.map(act)))
  const restartAll = all((app) => restart(client, app))
  const scaleTo = (count: number): Step => ({
    name: `scale to ${count}`,
    act: async () => void (await Promise.all(scalable.map((app) => scale(client, app, count)))),
  })
  const rollingRestart = (number: number): Step =>
    number % killEvery === 0
      ? killing(`rolling restart ${number}, kill -9 control`, (killAfterMs * number) / killEvery / 2)
      : { name: `rolling restart ${number}`, act: restartAll }
  const killing = (name: string, afterMs: number): Step => ({
    name,
    act: async () => {
      await restartAll()
      await delay(afterMs)
      await killControlPlane(cluster)
    },
  })
  return [
    scaleTo(6),
    scaleTo(1),
    scaleTo(main.replicas),
    { name: 'a pod not ready, and again', act: () => flipReadiness(cluster, directory) },
    { name: 'drain a node', act: () => drain(client, node) },
    { name: 'remove the drained node', act: () => removeNode(client, node) },
    {
      name: 'rolling restart 1, kill -9 edge',
      act: async () => {
        await restartAll()
        await killEdge(cluster)
      },
    },
    killing('rolling restart 2, kill -9 control', killAfterMs),
    {
      name: 'node back, rolling restart 3',
      act: async () => {
        await untilNodeReady(client, node)
        await uncordon(client, node)
        await restartAll()
      },
    },
    ...Array.from({ length: Math.max(0, rollouts - 3) }, (_, index) => rollingRestart(index + 4)),
  ]
}

export async function settle({ client }: BenchCluster): Promise<void> {
  await Promise.all(apps.map((app) => untilSettled(client, app)))
}

async function flipReadiness({ client }: BenchCluster, directory: string): Promise<void> {
  const [pod = ''] = await podsOf(client, main)
  const file = path.join(directory, pod)
  writeFileSync(file, '')
  await untilReadiness(client, pod, false)
  rmSync(file)
  await untilReadiness(client, pod, true)
}

/** The proxies run in it: their rules stay, and are adopted by the next. */
async function killControlPlane(cluster: BenchCluster): Promise<void> {
  await kill(cluster, 'control-plane')
  await cluster.up()
}

async function killEdge(cluster: BenchCluster): Promise<void> {
  await delay(killAfterMs)
  const pid = await kill(cluster, 'edge')
  await waitUntil('another edge', async () => {
    const edge = (await cluster.processes()).find(({ role }) => role === 'edge')
    return edge !== undefined && edge.pid !== pid
  })
}

async function kill(cluster: BenchCluster, role: string): Promise<number> {
  const victim = (await cluster.processes()).find((process) => process.role === role)
  if (!victim) throw new Error(`Cannot kill ${role}: it does not run`)
  process.kill(victim.pid, 'SIGKILL')
  return victim.pid
}
