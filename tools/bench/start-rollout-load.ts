/** Starts rollout-load.ts in the network of a pod of the cluster. */
import { spawn } from 'node:child_process'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { Pod } from '#api/pod.ts'
import { clusterPaths } from '#kernel/cluster-paths.ts'
import { enterHolderCommand } from '#kernel/holder.ts'
import type { BenchCluster } from './bench-cluster.ts'
import type { LoadOptions, LoadReport } from './rollout-load.ts'
import { namespace, servicePort } from './rollout-objects.ts'

export interface RunningLoad extends AsyncDisposable {
  counts(): LoadReport
  /** Resolves when so many more requests have been answered or lost. */
  more(count: number): Promise<void>
}

export interface LoadTargets {
  readonly ordered: string
  readonly control: string
  readonly rate: number
}

const keptConnections = 20
const program = path.join(import.meta.dirname, 'rollout-load.ts')

export async function startRolloutLoad(cluster: BenchCluster, targets: LoadTargets): Promise<RunningLoad> {
  const holder = (await cluster.processes()).find(({ role }) => role === 'holder')
  if (!holder) throw new Error('Cannot start the load: the cluster has no holder process')
  const { ordered, control, rate } = targets
  const options: LoadOptions = {
    targets: [
      { name: 'ordered', address: ordered, port: servicePort },
      { name: 'control', address: control, port: servicePort },
    ],
    newPerSecond: rate,
    keptConnections,
    requestsPerSecond: rate / keptConnections,
  }
  const netns = clusterPaths(cluster.runDir).pod(await createClientPod(cluster))
  const [enter = '', ...args] = enterHolderCommand({ pid: holder.pid, privileged: process.getuid?.() === 0 })
  const inPod = ['nsenter', `--net=${netns}`, process.execPath, program, JSON.stringify(options)]
  const child = spawn(enter, [...args, ...inPod], { stdio: ['pipe', 'pipe', 'inherit'] })
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  let latest: LoadReport = {}
  let waiting: (() => void)[] = []
  const wake = () => {
    for (const look of waiting.splice(0)) look()
  }
  createInterface({ input: child.stdout }).on('line', (line) => {
    latest = JSON.parse(line) as LoadReport
    wake()
  })
  void closed.then(wake)
  const done = () =>
    Object.values(latest).reduce(
      (sum, { fresh, kept, failures }) => sum + fresh + kept + Object.values(failures).reduce((a, b) => a + b, 0),
      0,
    )
  return {
    counts: () => latest,
    more: async (count) => {
      const until = done() + count
      while (done() < until) {
        if (child.exitCode !== null || child.signalCode !== null) throw new Error('Cannot go on: the load has ended')
        await new Promise<void>((resolve) => waiting.push(resolve))
      }
    },
    [Symbol.asyncDispose]: async () => {
      child.stdin.end()
      await closed
    },
  }
}

/** A pod that only lends its network. @returns its uid */
async function createClientPod({ client }: BenchCluster): Promise<string> {
  const container = { name: 'client', image: 'localhost/host', command: ['sleep', '86400'] }
  const metadata = { name: 'client', namespace }
  const spec = { terminationGracePeriodSeconds: 0, containers: [container] } as Pod['spec']
  const { metadata: made } = await client.of(Pod).create({ metadata, spec })
  const stop = new AbortController()
  const query = { namespace, resourceVersion: made.resourceVersion ?? '', fieldSelector: 'metadata.name=client' }
  for await (const batch of client.of(Pod).watch(query, stop.signal)) {
    if (batch.some(({ object }) => object.status?.phase === 'Running')) break
  }
  stop.abort()
  return made.uid ?? ''
}
