/**
 * Helper of measure-first-connection.ts, run in the mount namespace of a cluster: for each line `{address, port}` on
 * standard input it connects again and again from every node's network, and prints `{node, atMs}` for each node's first
 * success. Arguments: the cluster's tmpfs and the number of nodes.
 */
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { clusterPaths } from '#kernel/cluster-paths.ts'
import { connectInNetns } from '#kernel/connect-in-netns.ts'
import { SystemCallError } from '#kernel/libc.ts'
import { startNamespaceBroker } from '#kernel/start-namespace-broker.ts'

export interface Target {
  readonly address: string
  readonly port: number
}

export interface Connected {
  readonly node: number
  /** Since the epoch, with fractions. */
  readonly atMs: number
}

const pauseMs = 1
const tryMs = 100

if (import.meta.main) {
  const [runDir = '', nodes = ''] = process.argv.slice(2)
  await using broker = await startNamespaceBroker({ runDir })
  process.stdout.write('ready\n')
  for await (const line of createInterface({ input: process.stdin })) {
    const target = JSON.parse(line) as Target
    const connect = async (node: number): Promise<void> => {
      const netns = clusterPaths(runDir).node(node)
      while (!(await tryOnce(broker, netns, target))) await delay(pauseMs)
      const connected: Connected = { node, atMs: performance.timeOrigin + performance.now() }
      process.stdout.write(`${JSON.stringify(connected)}\n`)
    }
    await Promise.all(Array.from({ length: Number(nodes) }, (_, index) => connect(index + 1)))
  }
}

async function tryOnce(broker: Parameters<typeof connectInNetns>[0], netns: string, target: Target): Promise<boolean> {
  const signal = AbortSignal.timeout(tryMs)
  try {
    const socket = await connectInNetns(broker, { netns, ...target }, signal)
    socket.destroy()
    return true
  } catch (error) {
    if (error instanceof SystemCallError || signal.aborted) return false
    throw error
  }
}
