import type { AdmissionPlugin } from '#api/admission-plugin.ts'
import { planAddresses } from '#lib/address-plan.ts'
import type { IpFamily } from '#lib/ip.ts'

/** What is written down about a cluster when it is made. Addresses and ports never change while it exists. */
export interface ClusterRecord {
  readonly name: string
  /** Chooses the address ranges: see `#lib/address-plan.ts`. */
  readonly index: number
  readonly nodes: number
  /** Of pods, nodes and Services, the primary one first. Absent, as in older clusters: IPv4 alone. */
  readonly ipFamilies?: readonly IpFamily[]
  /** Labels that nodes begin with, zones among them: by node, in order. Absent: none. */
  readonly nodeLabels?: readonly Readonly<Record<string, string>>[]
  readonly proxyMode: ProxyMode
  /** Port of the API server on 127.0.0.1. */
  readonly apiPort: number
  readonly registries: Registries
  /** Besides those that every cluster has. */
  readonly admissionPlugins?: readonly AdmissionPlugin[]
  readonly dns?: DnsSettings
  /** Absent: the default pool of the address plan. */
  readonly loadBalancer?: LoadBalancerChoice
  /** The kubeconfig file that holds our entry; absent when none was written. */
  readonly kubeconfig?: string
  /** current-context before we switched it. */
  readonly formerContext?: string
}

/** By registry host, `docker.io` for Docker Hub. */
export type Registries = Readonly<
  Record<
    string,
    {
      readonly mirrors?: readonly string[]
      /** Never ask the registry itself. */
      readonly mirrorsOnly?: boolean
      readonly plainHttp?: boolean
    }
  >
>

/** Pools of addresses for load balancers; false: none, somebody else hands them out. */
export type LoadBalancerChoice = false | { readonly pools: readonly string[] }

/** Empty: this cluster's load balancers get no addresses from us. */
export function loadBalancerPools({ index, ipFamilies, loadBalancer }: ClusterRecord): readonly string[] {
  if (loadBalancer === undefined) return planAddresses(index, ipFamilies).loadBalancerPools
  return loadBalancer === false ? [] : loadBalancer.pools
}

export interface DnsSettings {
  /** Servers for names outside, written alike; absent: the host's own. */
  readonly upstreams?: readonly string[]
  /** Servers for names below a domain, as `address` or `address:port` (IPv6 in brackets); the rest goes to the host's. */
  readonly stubDomains?: Readonly<Record<string, readonly string[]>>
  /** Whether a pod's search for a name is answered finally at its first question where that is certain (default). */
  readonly endSearches?: boolean
}

export const proxyModes = ['nftables'] as const
export type ProxyMode = (typeof proxyModes)[number]

/** Roles of frontdesk's own processes. */
export type ProcessRole = 'holder' | 'control-plane' | 'edge'

/** DNS label, at most 30 characters, so that node names and links stay within kernel limits. */
export function isClusterName(name: string): boolean {
  return /^[a-z0-9]([-a-z0-9]{0,28}[a-z0-9])?$/.test(name)
}
