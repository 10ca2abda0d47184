/**
 * Helper of measure-first-connection.ts, run in the mount namespace of a cluster: for each line `Target` on standard input it
 * connects again and again from the networks of these nodes, and prints `Connected[]` when each has succeeded. Argument: the
 * cluster's tmpfs.
 */
import { createInterface } from 'node:readline'
import { clusterPaths } from '#kernel/cluster-paths.ts'
import { close, connect, errnoOf, lastErrno } from '#kernel/libc.ts'
import { inNetns, settleThread, type ThreadHome } from '#kernel/namespaces.ts'
import { socketAddress } from '#kernel/socket-address.ts'
import { makeSocket } from './tcp-calls.ts'

export interface Target {
  readonly address: string
  readonly port: number
  /** Their numbers. */
  readonly nodes: readonly number[]
}

export interface Connected {
  readonly node: number
  /** By the machine's monotonic clock, which all processes share. */
  readonly atMs: number
  /** Attempts before that, after the first refusal, that were neither refused nor answered. */
  readonly silent: number
}

/** Between two rounds of attempts: refusals come at once, and the machine is to have time for the cluster. */
const pauseMs = 0.1
const tryMs = 100

export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6

if (import.meta.main) {
  const [runDir = ''] = process.argv.slice(2)
  const home = settleThread()
  process.stdout.write('ready\n')
  for await (const line of createInterface({ input: process.stdin })) {
    const connected = connectFrom(home, clusterPaths(runDir), JSON.parse(line) as Target)
    process.stdout.write(`${JSON.stringify(connected)}\n`)
  }
}

function connectFrom(
  home: ThreadHome,
  paths: ReturnType<typeof clusterPaths>,
  { nodes, address, port }: Target,
): Connected[] {
  const to = socketAddress(address, port)
  const connected: Connected[] = []
  const open = (node: number) => inNetns(home, paths.node(node), () => makeSocket(tryMs))
  const waiting = new Map(nodes.map((node) => [node, open(node)]))
  const silent = new Map<number, number>()
  const sleeper = new Int32Array(new SharedArrayBuffer(4))
  while (waiting.size > 0) {
    for (const [node, fd] of waiting) {
      const outcome = connectOnce(fd, to)
      // before it is refused the Service is not in this node's rules: an address that no Service has is silent
      if (outcome === 'refused' || silent.has(node)) {
        silent.set(node, (silent.get(node) ?? 0) + Number(outcome === 'silence'))
      }
      if (outcome === 'connected') connected.push({ node, atMs: monotonicMs(), silent: silent.get(node) ?? 0 })
      if (outcome === 'refused') continue
      close(fd)
      if (outcome === 'connected') waiting.delete(node)
      else waiting.set(node, open(node))
    }
    Atomics.wait(sleeper, 0, 0, pauseMs)
  }
  return connected
}

/** A socket that was refused may try again. */
function connectOnce(fd: number, to: Uint8Array): 'connected' | 'refused' | 'silence' {
  if (connect(fd, to, to.length) === 0) return 'connected'
  return lastErrno() === errnoOf.ECONNREFUSED ? 'refused' : 'silence'
}
