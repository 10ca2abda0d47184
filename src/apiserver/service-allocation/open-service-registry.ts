/** All that a server does for Services beyond storing them: allocation, repair, reads of old objects. */
import type { Kind } from '#api/kind.ts'
import { Service } from '#api/service.ts'
import { upgradeService } from '#api/upgrade-service.ts'
import type { Log } from '#observe/log.ts'
import type { Metrics } from '#observe/metrics.ts'
import type { Allocator, WriteDeps } from '../write/write.ts'
import { createAllocatorMetrics } from './allocator-metrics.ts'
import { createClusterAddresses } from './cluster-addresses.ts'
import { createServiceAllocator } from './create-service-allocator.ts'
import { createNodePorts, type NodePortRange } from './node-ports.ts'
import { removeEndpointsWithService } from './remove-endpoints.ts'
import { createNodePortRepair } from './repair-node-ports.ts'

export interface ServiceRegistry {
  readonly allocators: readonly Allocator[]
  /** Looks everything over once, then from time to time until the signal aborts. */
  start(signal: AbortSignal): Promise<void>
}

export interface ServiceRegistryOptions {
  readonly log: Log
  readonly nodePorts?: NodePortRange
  readonly metrics?: Metrics
}

const repairEveryMs = 3 * 60_000

/** `deps` is asked for at each use: the allocators are themselves part of it. */
export function openServiceRegistry(
  deps: () => WriteDeps,
  { log, nodePorts = {}, metrics }: ServiceRegistryOptions,
): ServiceRegistry {
  const counted = createAllocatorMetrics(metrics)
  const addresses = createClusterAddresses(deps, { metrics: counted })
  const ports = createNodePorts(() => deps().objects, nodePorts, counted)
  return {
    allocators: [createServiceAllocator(addresses, ports), removeEndpointsWithService(deps)],
    start: async (signal) => {
      const { objects } = deps()
      objects.upgradeReads(Service as unknown as Kind, (object) =>
        upgradeService(object as Service, addresses.families()),
      )
      const repair = createNodePortRepair({ write: deps, ports, log })
      await repair()
      metrics?.beforeExpose(() => counted.count(objects, ports))
      const timer = setInterval(() => {
        repair().catch((error: unknown) => log.warn({ error: String(error) }, 'node ports were not looked over'))
      }, repairEveryMs)
      timer.unref()
      signal.addEventListener('abort', () => clearInterval(timer), { once: true })
    },
  }
}
