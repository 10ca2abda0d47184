/**
 * What it costs that a connection goes to a ClusterIP and not to the pod itself: from one pod through the node, which the
 * proxy has programmed, to another pod. Blocks of each way in turn, so that all meet the same weather. Runs alone
 * (run-alone.ts).
 */
import { netlinkProtocol, openNetlink } from '#kernel/netlink/socket.ts'
import { settleThread } from '#kernel/namespaces.ts'
import { socketAddress } from '#kernel/socket-address.ts'
import { silentLog } from '#observe/log.ts'
import { RouteTracker } from '#proxy/desired-routes.ts'
import { openNftablesBackend } from '#proxy/nftables/apply-nftables.ts'
import { type BenchNode, node, openBenchNode, otherServerIp, plan, podIps } from './bench-node.ts'
import { makeService } from './make-service.ts'
import { quantile } from './statistics.ts'
import { writeSmallestRule } from './smallest-rule.ts'
import { streamInTurn, type StreamResult, type StreamWay } from './stream-in-turn.ts'
import { timed, turnsOf } from './take-turns.ts'
import { listenOn, timeConnect } from './tcp-calls.ts'

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
  readonly failed: number
}

export interface ConnectionsResult {
  readonly connects: Readonly<Record<Way, WayResult>>
  readonly streams: Readonly<Record<StreamWay, StreamResult>>
}

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
  using smallest = openBenchNode(home)
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
  const middleIp = clusterIps[size.services >> 1]!
  const middle = socketAddress(middleIp, 80)
  const others = clusterIps.map((ip) => socketAddress(ip, 80))
  const served = serve(programmed, ports.service)
  const servedDirect = serve(programmed, ports.direct)
  const paths: Readonly<Record<Way, Path>> = {
    pod: { from: programmed, listener: servedDirect, target: () => direct },
    'pod, untracked': { from: plain, listener: serve(plain, ports.direct), target: () => direct },
    ClusterIP: { from: programmed, listener: served, target: () => middle },
    'any ClusterIP': { from: programmed, listener: served, target: (index) => others[(index * 7919) % others.length]! },
  }
  smallest.within('node', () =>
    writeSmallestRule({ ip: middleIp, port: 80 }, { ip: podIps.server, port: ports.service }),
  )
  const pod = { from: programmed, listener: servedDirect, target: direct }
  const smallestListeners = { direct: serve(smallest, ports.direct), service: serve(smallest, ports.service) }
  const connects = connectInTurn(size, paths)
  const streams = streamInTurn(size, {
    pod,
    'pod again': pod,
    ClusterIP: { from: programmed, listener: served, target: middle },
    'pod beside smallest rule': { from: smallest, listener: smallestListeners.direct, target: direct },
    'smallest rule': { from: smallest, listener: smallestListeners.service, target: middle },
  })
  await backend.cleanup()
  return { connects, streams }
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
  failed: 0,
})

function connectInTurn(
  { rounds, connections }: ConnectionsSize,
  paths: Readonly<Record<Way, Path>>,
): Record<Way, WayResult> {
  const samples = Object.fromEntries(ways.map((way) => [way, noSamples()])) as Record<Way, Samples>
  // The first round warms up.
  for (let round = -1; round < rounds; round++) {
    for (const way of turnsOf(ways, Math.max(0, round))) {
      const into = round < 0 ? noSamples() : samples[way]
      connectAll(paths[way], { connections, first: (round + 1) * connections }, into)
    }
  }
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
