/** The load balancer of the one-machine cluster, in the underlay; nothing when the cluster leaves that to others. */
import type { Client } from '#client/contract.ts'
import type { Informers } from '#client/create-informers.ts'
import { openCommittedPublisher } from '#client/publish-committed.ts'
import { clusterPaths } from '#kernel/cluster-paths.ts'
import type { NamespaceBroker } from '#kernel/namespace-broker.ts'
import { parseAddressPool } from '#lib/address-pool.ts'
import { systemClock } from '#lib/clock.ts'
import { openUnderlay } from '#loadbalancer/open-underlay.ts'
import { type LoadBalancer, startLoadBalancer } from '#loadbalancer/start-loadbalancer.ts'
import type { Log } from '#observe/log.ts'
import type { Cluster } from './read-cluster.ts'

/** Among the Leases of the nodes: whoever stops pods waits for this one, too. */
const leaseName = 'frontdesk-loadbalancer'

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
  const ownLog = log.child({ component: 'loadbalancer' })
  const publish = openCommittedPublisher({ client, leaseName, isOwn: true, log: ownLog }, signal)
  const options = {
    client,
    informers,
    pools,
    network,
    publish,
    clock: systemClock,
    log: ownLog,
  }
  return stack.use(startLoadBalancer(options, signal))
}
