/** This proxy's first sync into the empty kernel it is run in (run-alone.ts): what load-chain-per-service.ts does by `nft`. */
import { execFileSync } from 'node:child_process'
import { findProgram } from '#kernel/find-program.ts'
import { netlinkProtocol, openNetlink } from '#kernel/netlink/socket.ts'
import { silentLog } from '#observe/log.ts'
import { RouteTracker } from '#proxy/desired-routes.ts'
import { openNftablesBackend } from '#proxy/nftables/apply-nftables.ts'
import type { ChainPerServiceSize } from './load-chain-per-service.ts'
import { makeService } from './make-service.ts'

export interface RoutesLoad {
  readonly wallMs: number
  /** Of the process, all threads, user and system. */
  readonly cpuMs: number
  /** Service ports that the kernel has afterwards, as `nft` lists them. */
  readonly fronts: number
}

export async function loadRoutes({ services, endpointsEach }: ChainPerServiceSize): Promise<RoutesLoad> {
  const objects = Array.from({ length: services }, (_, index) => makeService(index, endpointsEach))
  const { fd: netlinkFd } = openNetlink(netlinkProtocol.netfilter)
  const node = {
    family: 'IPv4',
    podCidr: '10.244.1.0/24',
    serviceCidrs: ['10.96.0.0/12'],
    masqueradeAll: false,
  } as const
  using backend = openNftablesBackend({ netlinkFd, node, log: silentLog })
  const tracker = new RouteTracker('IPv4', { name: 'node-1' })
  const cpuBefore = process.cpuUsage()
  const begun = performance.now()
  for (const { service, slice } of objects) {
    tracker.serviceChanged(undefined, service)
    tracker.sliceChanged(undefined, slice)
  }
  await backend.sync(tracker.collect().desired)
  const wallMs = performance.now() - begun
  const { user, system } = process.cpuUsage(cpuBefore)
  return { wallMs, cpuMs: (user + system) / 1000, fronts: countFronts() }
}

function countFronts(): number {
  const listing = ['list', 'map', 'ip', 'frontdesk', 'fronts']
  const text = execFileSync(findProgram('nft'), listing, { maxBuffer: 2 ** 30, encoding: 'utf8' })
  return text.match(/\d+\.\d+\.\d+\.\d+ \. tcp \. /g)?.length ?? 0
}
