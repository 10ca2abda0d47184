/**
 * What it costs that a connection goes to a ClusterIP and not to the pod itself: from one pod through the node, which the
 * proxy has programmed, to another pod. Blocks of each way in turn, so that all meet the same weather. Runs alone
 * (run-alone.ts).
 */
import { netlinkProtocol, openNetlink } from '#kernel/netlink/socket.ts'
import { close, connect, checked } from '#kernel/libc.ts'
import { settleThread } from '#kernel/namespaces.ts'
import { socketAddress } from '#kernel/socket-address.ts'
import { silentLog } from '#observe/log.ts'
import { RouteTracker } from '#proxy/desired-routes.ts'
import { openNftablesBackend } from '#proxy/nftables/apply-nftables.ts'
import { type BenchNode, node, openBenchNode, otherServerIp, plan, podIps } from './bench-node.ts'
import { makeService } from './make-service.ts'
import { quantile } from './statistics.ts'
import { accept, listenOn, makeSocket, stream, timeConnect } from './tcp-calls.ts'

export interface ConnectionsSize {
  readonly services: number
  readonly rounds: number
  /** In each round, on each way. */
  readonly connections: number
  /** In each round, on each way. */
  readonly streamMiB: number
}

export const ways = ['pod', 'pod, untracked', 'ClusterIP', 'any ClusterIP'] as const
export type Way = (typeof ways)[number]

export interface WayResult {
  /** One value per round. */
  readonly p50Micros: readonly number[]
  readonly p99Micros: readonly number[]
  /** Connections made, accepted and closed again, per second. */
  readonly perSecond: readonly number[]
  readonly cpuMicros: readonly number[]
  readonly gbitPerSecond: readonly number[]
  /** Processor time to move one MiB from one pod to the other. */
  readonly cpuMicrosPerMiB: readonly number[]
  readonly failed: number
}

export type ConnectionsResult = Readonly<Record<Way, WayResult>>

/** Not the port of the other way: a tracked connection of one would be in the way of the other's. */
const ports = { direct: 8080, service: 8081 } as const

interface Path {
  readonly from: BenchNode
  readonly listener: number
  readonly target: (index: number) => Uint8Array
}

export async function measureConnections(size: ConnectionsSize): Promise<ConnectionsResult> {
  const home = settleThread()
  using programmed = openBenchNode(home)
  using plain = openBenchNode(home)
  const netlinkFd = programmed.within('node', () => openNetlink(netlinkProtocol.netfilter).fd)
  const traffic = {
    family: 'IPv4',
    podCidr: node.podCidr,
    serviceCidrs: [plan.serviceCidr],
    masqueradeAll: false,
  } as const
  using backend = openNftablesBackend({ netlinkFd, node: traffic, log: silentLog })
  const tracker = new RouteTracker('IPv4', { name: 'node-1' })
  const clusterIps = Array.from({ length: size.services }, (_, index) => addService(tracker, index))
  await backend.sync(tracker.collect().desired)
  const serve = (of: BenchNode, port: number): number => of.within('server', () => listenOn(port))
  const direct = socketAddress(podIps.server, ports.direct)
  const middle = socketAddress(clusterIps[size.services >> 1]!, 80)
  const others = clusterIps.map((ip) => socketAddress(ip, 80))
  const served = serve(programmed, ports.service)
  const paths: Readonly<Record<Way, Path>> = {
    pod: { from: programmed, listener: serve(programmed, ports.direct), target: () => direct },
    'pod, untracked': { from: plain, listener: serve(plain, ports.direct), target: () => direct },
    ClusterIP: { from: programmed, listener: served, target: () => middle },
    'any ClusterIP': { from: programmed, listener: served, target: (index) => others[(index * 7919) % others.length]! },
  }
  const results = inTurn(size, paths)
  await backend.cleanup()
  return results
}

function addService(tracker: RouteTracker, index: number): string {
  const { service, slice } = makeService(index, 2)
  const endpoints = [podIps.server, otherServerIp].map((ip) => ({
    addresses: [ip],
    conditions: { ready: true },
    nodeName: 'node-1',
  }))
  const ports8081 = [{ name: 'http', port: ports.service, protocol: 'TCP' as const }]
  tracker.serviceChanged(undefined, service)
  tracker.sliceChanged(undefined, { ...slice, ports: ports8081, endpoints })
  return service.spec!.clusterIP!
}

type Samples = { -readonly [Key in keyof WayResult]: WayResult[Key] extends number ? number : number[] }

const noSamples = (): Samples => ({
  p50Micros: [],
  p99Micros: [],
  perSecond: [],
  cpuMicros: [],
  gbitPerSecond: [],
  cpuMicrosPerMiB: [],
  failed: 0,
})

function inTurn(
  { rounds, connections, streamMiB }: ConnectionsSize,
  paths: Readonly<Record<Way, Path>>,
): ConnectionsResult {
  const samples = Object.fromEntries(ways.map((way) => [way, noSamples()])) as Record<Way, Samples>
  const streams = ways.map((way) => openStream(paths[way]))
  // The first round warms up.
  for (let round = -1; round < rounds; round++) {
    for (let turn = 0; turn < ways.length; turn++) {
      const index = (turn + Math.max(0, round)) % ways.length
      const into = round < 0 ? noSamples() : samples[ways[index]!]
      connectAll(paths[ways[index]!], { connections, first: (round + 1) * connections }, into)
      streams[index]!.move(streamMiB, into)
    }
  }
  for (const { end } of streams) end()
  return samples
}

function connectAll(
  { from, listener, target }: Path,
  { connections, first }: { readonly connections: number; readonly first: number },
  into: Samples,
): void {
  const times: number[] = []
  const { seconds, cpuMicros } = from.within('client', () =>
    timed(() => {
      for (let index = 0; index < connections; index++) {
        const micros = timeConnect(target(first + index), listener)
        if (Number.isNaN(micros)) into.failed++
        else times.push(micros)
      }
    }),
  )
  into.perSecond.push(connections / seconds)
  into.cpuMicros.push(cpuMicros / connections)
  into.p50Micros.push(quantile(times, 0.5))
  into.p99Micros.push(quantile(times, 0.99))
}

interface Stream {
  move(mebibytes: number, into: Samples): void
  end(): void
}

function openStream({ from, listener, target }: Path): Stream {
  const fd = from.within('client', makeSocket)
  const address = target(0)
  checked('connect', connect(fd, address, address.length))
  const accepted = accept(listener)
  return {
    move: (mebibytes, into) => {
      const { seconds, cpuMicros } = timed(() => stream(fd, accepted, mebibytes * 2 ** 20))
      into.gbitPerSecond.push((mebibytes * 2 ** 20 * 8) / (seconds * 1e9))
      into.cpuMicrosPerMiB.push(cpuMicros / mebibytes)
    },
    end: () => {
      close(fd)
      close(accepted)
    },
  }
}

function timed(work: () => void): { readonly seconds: number; readonly cpuMicros: number } {
  const before = process.cpuUsage()
  const begun = performance.now()
  work()
  const seconds = (performance.now() - begun) / 1000
  const { user, system } = process.cpuUsage(before)
  return { seconds, cpuMicros: user + system }
}
