/**
 * Which addresses a cluster uses. Clusters on one machine have different indexes, so their ranges never meet, also
 * when a privileged cluster puts routes into the host's own network namespace.
 */
import { parseAddressPool } from './address-pool.ts'

export interface AddressPlan {
  readonly index: number
  readonly serviceCidr: string
  /** All pods; each node owns one /24 of it. */
  readonly podCidr: string
  readonly underlayCidr: string
  /** Addresses of load balancers: ranges, or `first-last`. Empty when somebody else hands them out. */
  readonly loadBalancerPools: readonly string[]
  /** Underlay address of the control plane: API server on 6443, DNS server on 53, default gateway of the nodes. */
  readonly controlPlaneIp: string
  /** ClusterIP of Service default/kubernetes. */
  readonly apiServiceIp: string
  /** ClusterIP of Service kube-system/kube-dns. */
  readonly dnsServiceIp: string
  /** Loopback address of the host on which the control plane's own things are reached from the host. */
  readonly hostLoopbackIp: string
}

export interface NodeAddresses {
  /** 1 for the first node. */
  readonly number: number
  readonly internalIp: string
  /** A loopback address of the host on which this node's ports answer: the node's ExternalIP. */
  readonly hostLoopbackIp: string
  readonly podCidr: string
}

export const maxClusters = 32
export const maxNodes = 200
export const clusterDomain = 'cluster.local'
export const apiServerPort = 6443
/** On `hostLoopbackIp`: metrics of cluster DNS. */
export const dnsStatusPort = 9153

export function planAddresses(index: number): AddressPlan {
  if (!Number.isInteger(index) || index < 0 || index >= maxClusters) {
    throw new RangeError(`Cannot plan addresses: cluster index ${index} is not in 0..${maxClusters - 1}`)
  }
  return {
    index,
    serviceCidr: `10.${96 + index}.0.0/16`,
    podCidr: `10.${244 - index}.0.0/16`,
    underlayCidr: `172.30.${index}.0/24`,
    loadBalancerPools: [`172.30.${128 + index}.0/24`],
    controlPlaneIp: `172.30.${index}.1`,
    apiServiceIp: `10.${96 + index}.0.1`,
    dnsServiceIp: `10.${96 + index}.0.10`,
    hostLoopbackIp: `127.30.${index}.1`,
  }
}

export function planNode(plan: AddressPlan, number: number): NodeAddresses {
  if (!Number.isInteger(number) || number < 1 || number > maxNodes) {
    throw new RangeError(`Cannot plan a node: number ${number} is not in 1..${maxNodes}`)
  }
  return {
    number,
    internalIp: `172.30.${plan.index}.${10 + number}`,
    hostLoopbackIp: `127.30.${plan.index}.${10 + number}`,
    podCidr: `10.${244 - plan.index}.${number}.0/24`,
  }
}

/** The pools as ranges with a prefix length, as routes need them. */
export const loadBalancerCidrs = ({ loadBalancerPools }: AddressPlan): readonly string[] =>
  loadBalancerPools.flatMap((text) => parseAddressPool(text)?.cidrs ?? [])
