/** The load balancer of the one-machine cluster, in the underlay; nothing when the cluster leaves that to others. */
import type { Client } from '#client/contract.ts'
import type { Informers } from '#client/create-informers.ts'
import { clusterPaths } from '#kernel/cluster-paths.ts'
import type { NamespaceBroker } from '#kernel/namespace-broker.ts'
import { parseAddressPool } from '#lib/address-pool.ts'
import { systemClock } from '#lib/clock.ts'
import { openUnderlay } from '#loadbalancer/open-underlay.ts'
import { type LoadBalancer, startLoadBalancer } from '#loadbalancer/start-loadbalancer.ts'
import type { Log } from '#observe/log.ts'
import type { Cluster } from './read-cluster.ts'

export interface LoadBalancerParts {
  readonly cluster: Cluster
  readonly client: Client
  readonly informers: Informers
  readonly broker: NamespaceBroker
  readonly log: Log
}

export async function startClusterLoadBalancer(
  { cluster, client, informers, broker, log }: LoadBalancerParts,
  stack: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<LoadBalancer | undefined> {
  const { plan, paths } = cluster
  if (plan.loadBalancerPools.length === 0) return undefined
  const pools = plan.loadBalancerPools.map((text) => {
    const pool = parseAddressPool(text)
    if (!pool) throw new Error(`Cannot use ${JSON.stringify(text)} as a pool of load balancer addresses`)
    return pool
  })
  const { underlay } = clusterPaths(paths.run)
  const addresses = [plan.controlPlaneIp, ...(plan.ipv6 ? [plan.ipv6.controlPlaneIp] : [])]
  const network = stack.use(await openUnderlay({ broker, underlay, addresses, pools }))
  const options = {
    client,
    informers,
    pools,
    network,
    clock: systemClock,
    log: log.child({ component: 'loadbalancer' }),
  }
  return stack.use(startLoadBalancer(options, signal))
}
