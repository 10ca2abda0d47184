/** Starts rollout-load.ts in networks of the cluster: in that of a pod, and outside of it, before the nodes. */
import { spawn } from 'node:child_process'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { Pod } from '#api/pod.ts'
import { clusterPaths } from '#kernel/cluster-paths.ts'
import { enterHolderCommand } from '#kernel/holder.ts'
import type { BenchCluster } from './bench-cluster.ts'
import type { LoadReport, LoadTarget } from './rollout-load.ts'
import { namespace } from './rollout-objects.ts'

export interface RunningLoad extends AsyncDisposable {
  counts(): LoadReport
  /** Resolves when the counts satisfy; they are looked at whenever they change. */
  until(isEnough: (counts: LoadReport) => boolean): Promise<void>
}

const program = path.join(import.meta.dirname, 'rollout-load.ts')

export async function startRolloutLoad(
  cluster: BenchCluster,
  targets: { readonly inside: readonly LoadTarget[]; readonly outside: readonly LoadTarget[] },
): Promise<RunningLoad> {
  const holder = (await cluster.processes()).find(({ role }) => role === 'holder')
  if (!holder) throw new Error('Cannot start the load: the cluster has no holder process')
  const paths = clusterPaths(cluster.runDir)
  const waiting = new Set<() => void>()
  const wake = () => {
    for (const look of waiting) look()
  }
  const start = (netns: string, of: readonly LoadTarget[]) => startProcess(holder.pid, netns, of, wake)
  const processes = [
    start(paths.pod(await createClientPod(cluster)), targets.inside),
    start(paths.underlay, targets.outside),
  ]
  const counts = () => Object.assign({}, ...processes.map(({ latest }) => latest())) as LoadReport
  return {
    counts,
    until: async (isEnough) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const look = () => {
        if (processes.some(({ hasEnded }) => hasEnded())) reject(new Error('Cannot go on: the load has ended'))
        else if (isEnough(counts())) resolve()
      }
      waiting.add(look)
      look()
      await promise.finally(() => waiting.delete(look))
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(processes.map((one) => one.end()))
    },
  }
}

function startProcess(holderPid: number, netns: string, targets: readonly LoadTarget[], onReport: () => void) {
  const [enter = '', ...args] = enterHolderCommand({ pid: holderPid, privileged: process.getuid?.() === 0 })
  const inNetwork = ['nsenter', `--net=${netns}`, process.execPath, program, JSON.stringify({ targets })]
  const child = spawn(enter, [...args, ...inNetwork], { stdio: ['pipe', 'pipe', 'inherit'] })
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  let latest: LoadReport = {}
  createInterface({ input: child.stdout }).on('line', (line) => {
    latest = JSON.parse(line) as LoadReport
    onReport()
  })
  void closed.then(onReport)
  return {
    latest: () => latest,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    end: async () => {
      child.stdin.end()
      await closed
    },
  }
}

/** A pod that only lends its network. @returns its uid */
async function createClientPod({ client, name: cluster }: BenchCluster): Promise<string> {
  const container = { name: 'client', image: 'localhost/host', command: ['sleep', '86400'] }
  const metadata = { name: 'client', namespace }
  // On the first node, which is never drained.
  const spec = { nodeName: `${cluster}-1`, terminationGracePeriodSeconds: 0, containers: [container] } as Pod['spec']
  const { metadata: made } = await client.of(Pod).create({ metadata, spec })
  const stop = new AbortController()
  const query = { namespace, resourceVersion: made.resourceVersion ?? '', fieldSelector: 'metadata.name=client' }
  for await (const batch of client.of(Pod).watch(query, stop.signal)) {
    if (batch.some(({ object }) => object.status?.phase === 'Running')) break
  }
  stop.abort()
  return made.uid ?? ''
}
