/**
 * Which addresses a cluster uses. Clusters on one machine have different indexes, so their ranges never meet, also
 * when a privileged cluster puts routes into the host's own network namespace.
 */
import { parseAddressPool } from './address-pool.ts'
import {
  cidrContains,
  formatCidr,
  formatIp,
  type IpAddress,
  type IpFamily,
  nthAddress,
  parseCidr,
  parseIp,
} from './ip.ts'

export interface AddressPlan {
  readonly index: number
  readonly serviceCidr: string
  /** All pods; each node owns one /24 of it. */
  readonly podCidr: string
  readonly underlayCidr: string
  /** What the cluster has besides; absent: it knows IPv4 alone. */
  readonly ipv6?: Ipv6Plan
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

export interface Ipv6Plan {
  readonly serviceCidr: string
  /** All pods; each node owns one /64 of it. */
  readonly podCidr: string
  readonly underlayCidr: string
  readonly controlPlaneIp: string
}

export interface NodeAddresses {
  /** 1 for the first node. */
  readonly number: number
  readonly internalIp: string
  /** A loopback address of the host on which this node's ports answer: the node's ExternalIP. */
  readonly hostLoopbackIp: string
  readonly podCidr: string
  readonly ipv6?: { readonly internalIp: string; readonly podCidr: string }
}

export const maxClusters = 32
export const maxNodes = 200
export const clusterDomain = 'cluster.local'
export const apiServerPort = 6443
/** On `hostLoopbackIp`: metrics of cluster DNS. */
export const dnsStatusPort = 9153

/** IPv4 is always there, and first. */
export function planAddresses(index: number, families: readonly IpFamily[] = ['IPv4']): AddressPlan {
  if (!Number.isInteger(index) || index < 0 || index >= maxClusters) {
    throw new RangeError(`Cannot plan addresses: cluster index ${index} is not in 0..${maxClusters - 1}`)
  }
  const ipv6 = families.includes('IPv6') ? planIpv6(index) : undefined
  return {
    index,
    serviceCidr: `10.${96 + index}.0.0/16`,
    podCidr: `10.${244 - index}.0.0/16`,
    underlayCidr: `172.30.${index}.0/24`,
    ...(ipv6 && { ipv6 }),
    loadBalancerPools: [`172.30.${128 + index}.0/24`, ...(ipv6 ? [`${site(index)}:2::/112`] : [])],
    controlPlaneIp: `172.30.${index}.1`,
    apiServiceIp: `10.${96 + index}.0.1`,
    dnsServiceIp: `10.${96 + index}.0.10`,
    hostLoopbackIp: `127.30.${index}.1`,
  }
}

/** A unique local site (/48) for each cluster. Numbers are written as in IPv4, so that people see what belongs together. */
const site = (index: number): string => `fd30:fd:${index}`

function planIpv6(index: number): Ipv6Plan {
  return {
    serviceCidr: `${site(index)}:1::/112`,
    podCidr: `${site(index)}:100::/56`,
    underlayCidr: canonical(`${site(index)}::/64`),
    controlPlaneIp: ipv6Text(`${site(index)}::1`),
  }
}

/** Which cluster has an address of its IPv6 range of Services, and which number the address has there. */
export function locateServiceIpv6(address: IpAddress): { readonly index: number; readonly number: number } | undefined {
  const [high = 0, low = 0] = address.bytes.slice(4, 6)
  const index = Number(((high << 8) | low).toString(16))
  if (!Number.isInteger(index) || index >= maxClusters) return undefined
  const isInside = cidrContains(parseCidr(planIpv6(index).serviceCidr)!, address)
  return isInside ? { index, number: (address.bytes[14]! << 8) | address.bytes[15]! } : undefined
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
    ...(plan.ipv6 && {
      ipv6: {
        internalIp: ipv6Text(`${site(plan.index)}::${10 + number}`),
        podCidr: `${site(plan.index)}:${(0x100 + number).toString(16)}::/64`,
      },
    }),
  }
}

const ipv6Text = (text: string): string => formatIp(parseIp(text)!)
const canonical = (text: string): string => formatCidr(parseCidr(text)!)

/** The IPv6 address of the pod of this node that has the given IPv4 address: what numbers one numbers the other. */
export function podIpv6({ ipv6 }: NodeAddresses, podIp: string): string | undefined {
  return ipv6 && nthAddress(parseCidr(ipv6.podCidr)!, parseIp(podIp)!.bytes[3]!)
}

/** Of each family, IPv4 first. */
export const serviceCidrs = (plan: AddressPlan): readonly string[] => both(plan.serviceCidr, plan.ipv6?.serviceCidr)
export const internalIps = (node: NodeAddresses): readonly string[] => both(node.internalIp, node.ipv6?.internalIp)
export const podCidrs = (node: NodeAddresses): readonly string[] => both(node.podCidr, node.ipv6?.podCidr)
export const planFamilies = ({ ipv6 }: AddressPlan): readonly IpFamily[] => (ipv6 ? ['IPv4', 'IPv6'] : ['IPv4'])

const both = (first: string, second: string | undefined): readonly string[] =>
  second === undefined ? [first] : [first, second]

/** The pools as ranges with a prefix length, as routes need them. */
export const loadBalancerCidrs = ({ loadBalancerPools }: AddressPlan): readonly string[] =>
  loadBalancerPools.flatMap((text) => parseAddressPool(text)?.cidrs ?? [])
