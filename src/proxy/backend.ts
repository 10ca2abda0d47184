/**
 * What Service traffic on one node shall do, as plain values, and the port through which a kernel is made to do it.
 * Everything that depends on objects of the API is decided before: back ends know neither Services nor EndpointSlices.
 */
import type { IpFamily } from '#lib/ip.ts'

export type Protocol = 'TCP' | 'UDP' | 'SCTP'
export type TrafficPolicy = 'Cluster' | 'Local'

export interface RouteEndpoint {
  readonly address: string
  readonly port: number
  /** Whether it runs on this node. */
  readonly isLocal: boolean
}

/** One port of one Service on this node. Made anew whenever somebody asks: nobody keeps one. */
export interface ServicePortRoute {
  /** `namespace/name:portName/protocol`; unique, and stays the same for as long as the port exists. */
  readonly key: string
  readonly protocol: Protocol
  readonly clusterIp: string
  readonly port: number
  /** 0: none. */
  readonly nodePort: number
  readonly externalIps: readonly string[]
  readonly loadBalancerIps: readonly string[]
  /** Those of `loadBalancerIps` that stand for Services only: ports that no Service has are refused there. */
  readonly exclusiveIps: readonly string[]
  /** Who may use `loadBalancerIps`; empty: everybody. CIDR text. */
  readonly loadBalancerSourceRanges: readonly string[]
  readonly internalPolicy: TrafficPolicy
  readonly externalPolicy: TrafficPolicy
  /** A client keeps its endpoint until it has made no connection for so long; 0: no affinity. */
  readonly affinitySeconds: number
  /** List C: where connections with policy Cluster go. Empty only when no endpoint can serve at all: refuse then. */
  readonly cluster: readonly RouteEndpoint[]
  /** List L: where connections with policy Local go; empty with non-empty `cluster`: drop. Only when a policy is Local. */
  readonly local: readonly RouteEndpoint[]
  /** Addresses and ports (`10.244.1.2 8080`) to which existing UDP flows may go on; only for UDP. */
  readonly serving: readonly string[]
}

export interface DesiredRoutes {
  readonly family: IpFamily
  /** One for each service port. Made while they are read, as often as somebody reads them. */
  readonly routes: Iterable<ServicePortRoute>
}

/** A service port whose route may be another one now; absent where it did not or does not exist. */
export interface RouteChange {
  readonly key: string
  readonly before: ServicePortRoute | undefined
  readonly after: ServicePortRoute | undefined
}

/** How the node tells its own pods from others, and which addresses belong to Services. */
export interface NodeTraffic {
  readonly family: IpFamily
  /** Pod range of this node; absent: pods are not told apart and ClusterIP traffic is never masqueraded. */
  readonly podCidr?: string
  /** Addresses in these ranges without a Service are dropped. */
  readonly serviceCidrs: readonly string[]
  readonly masqueradeAll: boolean
  /** Ranges whose addresses of this node take node ports; absent: all addresses of the node. */
  readonly nodePortAddresses?: readonly string[]
  /** Addresses of this node: where source ranges let them in, its load balancer addresses may come in, too. */
  readonly nodeIps?: readonly string[]
}

export interface ProxyBackend {
  /**
   * Makes the kernel match `desired`; running it twice changes nothing. `changes` are all that lead there from the
   * `desired` given last; without them the kernel is asked what it has.
   */
  sync(desired: DesiredRoutes, changes?: Iterable<RouteChange>): Promise<void>
  /** Compares with what others may have done to the kernel meanwhile, and repairs. Resolves with whether it had to. */
  verify(): Promise<boolean>
  /** Other ranges of Service addresses, in effect from the next `sync` on. */
  setServiceCidrs(serviceCidrs: readonly string[]): void
  /** Removes everything this back end ever made, and nothing else. */
  cleanup(): Promise<void>
}

export const protocolNumber = { TCP: 6, UDP: 17, SCTP: 132 } as const

export const isExternallyAccessible = (route: ServicePortRoute): boolean =>
  route.nodePort !== 0 || route.externalIps.length > 0 || route.loadBalancerIps.length > 0
