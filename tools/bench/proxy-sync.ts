/**
 * How long the nftables back end takes: a first sync of many Services into an empty kernel, taking over what is there,
 * and one changed endpoint among them. From API objects in memory to kernel commit, and what memory it takes. Runs alone
 * (run-alone.ts).
 */
import { performance } from 'node:perf_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { EndpointSlice } from '#api/endpoint-slice.ts'
import { readGeneration } from '#kernel/netlink/nftables.ts'
import { netlinkProtocol, openNetlink } from '#kernel/netlink/socket.ts'
import { silentLog } from '#observe/log.ts'
import type { NodeTraffic } from '#proxy/backend.ts'
import { RouteTracker } from '#proxy/desired-routes.ts'
import { openNftablesBackend } from '#proxy/nftables/apply-nftables.ts'
import { makeService } from './make-service.ts'

export interface ProxySyncResult extends ProxyMemory {
  readonly services: number
  readonly endpointsEach: number
  readonly fullSyncMs: number
  /** Processor time of the process, all threads: less sensitive to what else the machine does. */
  readonly fullSyncCpuMs: number
  /** Another proxy takes over the table as it is. */
  readonly adoptionMs: number
  /** One endpoint replaced by another. */
  readonly changeP50Ms: number
  readonly changeP99Ms: number
  readonly changeCpuMs: number
  /** The first of these after the first sync: its code runs for the first time. */
  readonly firstChangeMs: number
  /** Control: a question to the kernel and its answer on a socket like the back end's, after each change. */
  readonly roundTripP99Ms: number
  /** One endpoint less, or one more again: the length of the list changes, too. */
  readonly scaleP50Ms: number
  readonly scaleP99Ms: number
  /** What tracker and back end keep, on the heap of JavaScript. */
  readonly heapMiB: number
  /** Of the whole process, with the API objects, after the changes: what a proxy with its caches takes. */
  readonly rssMiB: number
}

/** Resident memory of the process, by what it is for. */
export interface ProxyMemory {
  /** Node with all modules. */
  readonly baseMiB: number
  /** What the Services and EndpointSlices add, which the proxy is given. */
  readonly objectsMiB: number
  /** What the first sync adds: at its highest, and after a collection. */
  readonly ownPeakMiB: number
  readonly ownMiB: number
  /** All together at its highest. */
  readonly peakMiB: number
}

const mebibyte = 2 ** 20
const collectGarbage = (() => {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
})()

function residentMiB(): number {
  collectGarbage()
  return process.memoryUsage.rss() / mebibyte
}

const node: NodeTraffic = {
  family: 'IPv4',
  podCidr: '10.244.1.0/24',
  serviceCidrs: ['10.96.0.0/12'],
  masqueradeAll: false,
}
const place = { name: 'node-1' }

export async function benchProxySync(
  services: number,
  endpointsEach: number,
  changes = 2_000,
): Promise<ProxySyncResult> {
  const baseMiB = residentMiB()
  const objects = Array.from({ length: services }, (_, index) => makeService(index, endpointsEach))
  const loadedMiB = residentMiB()
  const heapBefore = process.memoryUsage().heapUsed
  const open = () => {
    const { fd } = openNetlink(netlinkProtocol.netfilter)
    return openNftablesBackend({ netlinkFd: fd, node, log: silentLog })
  }
  using backend = open()
  await backend.cleanup()
  const tracker = new RouteTracker('IPv4', place)

  const cpuBefore = process.cpuUsage()
  const fullSyncMs = await timed(async () => {
    for (const { service, slice } of objects) {
      tracker.serviceChanged(undefined, service)
      tracker.sliceChanged(undefined, slice)
    }
    const { desired, changes } = tracker.collect()
    await backend.sync(desired, changes)
  })

  const fullSyncCpuMs = cpuMsSince(cpuBefore)
  const peakMiB = Math.max(process.resourceUsage().maxRSS / 1024, loadedMiB)
  const ownMiB = residentMiB() - loadedMiB
  const memory = { baseMiB, objectsMiB: loadedMiB - baseMiB, ownPeakMiB: peakMiB - loadedMiB, ownMiB, peakMiB }

  const change = async (index: number, edit: (slice: EndpointSlice) => EndpointSlice): Promise<number> => {
    const object = objects[(index * 7919) % services]!
    const before = object.slice
    object.slice = edit(before)
    return await timed(async () => {
      tracker.sliceChanged(before, object.slice)
      const { desired, changes } = tracker.collect()
      await backend.sync(desired, changes)
    })
  }
  const replaced: number[] = []
  const roundTrips: number[] = []
  using control = openNetlink(netlinkProtocol.netfilter)
  const changesBegin = process.cpuUsage()
  for (let index = 0; index < changes; index++) {
    replaced.push(await change(index, (slice) => replaceEndpoint(slice, index)))
    roundTrips.push(await timed(async () => void readGeneration(control)))
  }
  const changeCpuMs = cpuMsSince(changesBegin) / changes
  const scaled: number[] = []
  for (let index = 0; index < changes; index++) {
    scaled.push(await change(index, withoutLastEndpoint))
    scaled.push(await change(index, (slice) => withEndpoint(slice, index)))
  }
  const rssMiB = residentMiB()
  const heapMiB = (process.memoryUsage().heapUsed - heapBefore) / mebibyte

  using successor = open()
  const adoptionMs = await timed(async () => {
    await successor.sync(tracker.collect().desired)
  })
  await successor.cleanup()
  return {
    services,
    endpointsEach,
    fullSyncMs,
    fullSyncCpuMs,
    adoptionMs,
    changeP50Ms: quantile(replaced, 0.5),
    changeP99Ms: quantile(replaced, 0.99),
    changeCpuMs,
    firstChangeMs: replaced[0]!,
    roundTripP99Ms: quantile(roundTrips, 0.99),
    scaleP50Ms: quantile(scaled, 0.5),
    scaleP99Ms: quantile(scaled, 0.99),
    heapMiB,
    rssMiB,
    ...memory,
  }
}

const quantile = (times: readonly number[], at: number): number =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length * at)]!

function cpuMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

const withoutLastEndpoint = (slice: EndpointSlice): EndpointSlice => ({
  ...slice,
  endpoints: slice.endpoints!.slice(0, -1),
})

const withEndpoint = (slice: EndpointSlice, change: number): EndpointSlice => ({
  ...slice,
  endpoints: [...slice.endpoints!, { ...slice.endpoints![0]!, addresses: [addressOf(change + 0x8000)] }],
})

const addressOf = (change: number): string => `10.245.${(change >> 8) & 255}.${change & 255}`

function replaceEndpoint(slice: EndpointSlice, change: number): EndpointSlice {
  const endpoints = [...slice.endpoints!]
  endpoints[change % endpoints.length] = {
    ...endpoints[0]!,
    addresses: [addressOf(change)],
  }
  return { ...slice, endpoints }
}
