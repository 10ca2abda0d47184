/**
 * How long the nftables back end takes: a first sync of many Services into an empty kernel, taking over what is there,
 * and one changed endpoint among them. From API objects in memory to kernel commit. Runs in a network namespace of its
 * own: `unshare -rn node tools/bench/proxy-sync.ts`.
 */
import { performance } from 'node:perf_hooks'
import type { EndpointSlice } from '#api/endpoint-slice.ts'
import { netlinkProtocol, openNetlink } from '#kernel/netlink/socket.ts'
import { silentLog } from '#observe/log.ts'
import type { NodeTraffic } from '#proxy/backend.ts'
import { RouteTracker } from '#proxy/desired-routes.ts'
import { openNftablesBackend } from '#proxy/nftables/apply-nftables.ts'
import { makeService } from './make-service.ts'

export interface ProxySyncResult {
  readonly services: number
  readonly endpointsEach: number
  readonly fullSyncMs: number
  /** Processor time of the process, all threads: less sensitive to what else the machine does. */
  readonly fullSyncCpuMs: number
  readonly adoptionMs: number
  readonly changeP50Ms: number
  readonly changeP99Ms: number
  readonly heapMiB: number
  /** Of the whole process, with the API objects, after the changes: what a proxy with its caches takes. */
  readonly rssMiB: number
}

const node: NodeTraffic = {
  family: 'IPv4',
  podCidr: '10.244.1.0/24',
  serviceCidrs: ['10.96.0.0/12'],
  masqueradeAll: false,
}
const place = { name: 'node-1' }

export async function benchProxySync(services: number, endpointsEach: number, changes = 500): Promise<ProxySyncResult> {
  const objects = Array.from({ length: services }, (_, index) => makeService(index, endpointsEach))
  globalThis.gc?.()
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
    const { desired, changed } = tracker.collect()
    await backend.sync(desired, changed)
  })

  const cpu = process.cpuUsage(cpuBefore)
  const fullSyncCpuMs = (cpu.user + cpu.system) / 1000

  const times: number[] = []
  for (let change = 0; change < changes; change++) {
    const object = objects[(change * 7919) % services]!
    const before = object.slice
    object.slice = replaceEndpoint(before, change)
    times.push(
      await timed(async () => {
        tracker.sliceChanged(before, object.slice)
        const { desired, changed } = tracker.collect()
        await backend.sync(desired, changed)
      }),
    )
  }
  globalThis.gc?.()
  const rssMiB = process.memoryUsage.rss() / 2 ** 20
  const heapMiB = (process.memoryUsage().heapUsed - heapBefore) / 2 ** 20

  using successor = open()
  const adoptionMs = await timed(async () => {
    await successor.sync(tracker.collect().desired)
  })
  await successor.cleanup()
  times.sort((a, b) => a - b)
  const at = (quantile: number) => times[Math.floor(times.length * quantile)]!
  return {
    services,
    endpointsEach,
    fullSyncMs,
    fullSyncCpuMs,
    adoptionMs,
    changeP50Ms: at(0.5),
    changeP99Ms: at(0.99),
    heapMiB,
    rssMiB,
  }
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

function replaceEndpoint(slice: EndpointSlice, change: number): EndpointSlice {
  const endpoints = [...slice.endpoints!]
  endpoints[change % endpoints.length] = {
    ...endpoints[0]!,
    addresses: [`10.245.${(change >> 8) & 255}.${change & 255}`],
  }
  return { ...slice, endpoints }
}

export async function printProxySync(): Promise<void> {
  const sizes = [100, 1_000, 10_000, 50_000]
  const rows: ProxySyncResult[] = []
  await benchProxySync(1_000, 2, 50)
  for (const size of sizes) {
    const runs: ProxySyncResult[] = []
    for (let run = 0; run < 3; run++) runs.push(await benchProxySync(size, size === 50_000 ? 4 : 2))
    runs.sort((a, b) => a.fullSyncMs - b.fullSyncMs)
    rows.push(runs[1]!)
  }
  const smallest = rows[0]!.changeP50Ms
  console.table(
    rows.map((row) => ({
      Services: `${row.services} x ${row.endpointsEach}`,
      'full sync ms': row.fullSyncMs.toFixed(1),
      'cpu ms': row.fullSyncCpuMs.toFixed(1),
      'adoption ms': row.adoptionMs.toFixed(1),
      'one change p50 ms': row.changeP50Ms.toFixed(3),
      'p99 ms': row.changeP99Ms.toFixed(3),
      'change, ratio to 100': (row.changeP50Ms / smallest).toFixed(2),
      // Only after a collection a true figure: node --expose-gc.
      ...(globalThis.gc && { 'heap MiB': row.heapMiB.toFixed(0) }),
    })),
  )
}

if (import.meta.main) await printProxySync()
