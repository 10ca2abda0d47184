/** Allocation in numbers, by the names that Kubernetes gives them. */
import type { Kind } from '#api/kind.ts'
import { IPAddress } from '#api/ip-address.ts'
import { cidrContains, formatCidr, parseIp, type Cidr } from '#lib/ip.ts'
import type { Metrics } from '#observe/metrics.ts'
import type { ObjectStore } from '../objects/open-object-store.ts'
import { addressBand } from './address-bands.ts'
import type { NodePorts } from './node-ports.ts'
import { readyRanges } from './ready-ranges.ts'

/** static: asked for by name. */
export type Scope = 'static' | 'dynamic'

export interface AllocatorMetrics {
  address(range: Cidr, scope: Scope, given: boolean): void
  nodePort(scope: Scope, given: boolean): void
  /** Counts what is taken and what is free; to be called now and then, as it looks at everything. */
  count(objects: ObjectStore, ports: NodePorts): void
}

const prefix = 'kube_apiserver'

export function createAllocatorMetrics(metrics: Metrics | undefined): AllocatorMetrics {
  if (!metrics) return { address: () => {}, nodePort: () => {}, count: () => {} }
  const ips = `${prefix}_clusterip_allocator`
  const numbers = `${prefix}_nodeport_allocator`
  const counters = (name: string, what: string, labels: readonly string[]) => ({
    given: metrics.counter(`${name}_allocation_total`, `${what} given to Services`, labels),
    failed: metrics.counter(`${name}_allocation_errors_total`, `${what} that could not be given`, labels),
  })
  const addresses = counters(ips, 'Cluster IPs', ['cidr', 'scope'])
  const nodePorts = counters(numbers, 'Node ports', ['scope'])
  const allocatedIps = metrics.gauge(`${ips}_allocated_ips`, 'Cluster IPs that are held', ['cidr'])
  const availableIps = metrics.gauge(`${ips}_available_ips`, 'Cluster IPs that are free', ['cidr'])
  const allocatedPorts = metrics.gauge(`${numbers}_allocated_ports`, 'Node ports that are held')
  const availablePorts = metrics.gauge(`${numbers}_available_ports`, 'Node ports that are free')
  return {
    address: (range, scope, given) => addresses[given ? 'given' : 'failed'].add(1, { cidr: formatCidr(range), scope }),
    nodePort: (scope, given) => nodePorts[given ? 'given' : 'failed'].add(1, { scope }),
    count: (objects, ports) => {
      const held = objects
        .list(IPAddress as unknown as Kind)
        .flatMap(({ object }) => parseIp(object.metadata.name) ?? [])
      for (const range of [...readyRanges(objects, 'IPv4'), ...readyRanges(objects, 'IPv6')]) {
        const { first, last } = addressBand(range)
        const allocated = held.filter((address) => cidrContains(range, address)).length
        allocatedIps.set(allocated, { cidr: formatCidr(range) })
        availableIps.set(Number(last - first + 1n) - allocated, { cidr: formatCidr(range) })
      }
      const taken = ports.held().size
      allocatedPorts.set(taken)
      availablePorts.set(ports.last - ports.first + 1 - taken)
    },
  }
}
