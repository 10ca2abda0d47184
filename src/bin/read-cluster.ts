/** What is decided about a cluster before it runs: its record, its paths, its addresses. */
import path from 'node:path'
import { type ClusterRecord, loadBalancerPools } from '#cli/cluster-record.ts'
import { readClusterRecord } from '#cli/open-cluster-records.ts'
import { type ClusterPaths, type Home, selectClusterPaths } from '#cli/select-cluster-paths.ts'
import { hasIpv6 } from '#kernel/probe-ipv6.ts'
import { type AddressPlan, type NodeAddresses, planAddresses, planNode } from '#lib/address-plan.ts'

export interface Cluster {
  readonly record: ClusterRecord
  readonly paths: ClusterPaths
  readonly home: Home
  readonly plan: AddressPlan
  readonly nodes: readonly NodeAddresses[]
}

export function readCluster(clusterDir: string): Cluster {
  const clusters = path.dirname(clusterDir)
  const dir = path.dirname(clusters)
  const home = { dir, clusters, images: path.join(dir, 'images') }
  const name = path.basename(clusterDir)
  const record = readClusterRecord(home, name)
  if (!record) throw new Error(`Cannot start: there is no record of cluster ${name}`)
  const plan = planCluster(record)
  const nodes = Array.from({ length: record.nodes }, (_, index) => planNode(plan, index + 1))
  return { record, home, plan, nodes, paths: selectClusterPaths(home, name) }
}

/** A kernel that had IPv6 when the cluster was made may have lost it since. */
function planCluster(record: ClusterRecord): AddressPlan {
  const families = hasIpv6() ? record.ipFamilies : ['IPv4' as const]
  const pools = loadBalancerPools(record)
  const plan = planAddresses(record.index, families)
  return { ...plan, loadBalancerPools: plan.ipv6 ? pools : pools.filter((pool) => !pool.includes(':')) }
}

export function nodeName({ name }: ClusterRecord, { number }: NodeAddresses): string {
  return `${name}-${number}`
}
