/** The routes of one Service on one node. */
import type { EndpointSlice } from '#api/endpoint-slice.ts'
import { allocatedIps } from '#api/load-balancer-address.ts'
import type { Service, ServicePort } from '#api/service.ts'
import { canonicalIp, cidrContains, formatCidr, maskIp, parseCidr, type Cidr, type IpFamily } from '#lib/ip.ts'
import type { Protocol, RouteEndpoint, ServicePortRoute } from './backend.ts'
import {
  isServing,
  selectCandidates,
  selectEndpoints,
  selectPlainEndpoints,
  type Candidate,
  type NodePlace,
} from './select-endpoints.ts'

/** core/v1 DefaultClientIPServiceAffinitySeconds */
const defaultAffinitySeconds = 10_800

export function desiredServicePorts(
  family: IpFamily,
  service: Service,
  slices: readonly EndpointSlice[],
  node: NodePlace,
): readonly ServicePortRoute[] {
  const clusterIp = selectClusterIp(service, family)
  if (clusterIp === undefined) return noRoutes
  const common = serviceRoute(service, family, clusterIp)
  return (service.spec.ports ?? []).map((port) => portRoute(service, common, port, slices, node))
}

const noRoutes: readonly ServicePortRoute[] = []

/** Headless and ExternalName Services have none, and those of other families. */
export function selectClusterIp({ spec }: Service, family: IpFamily): string | undefined {
  if (spec.type === 'ExternalName') return undefined
  const all = spec.clusterIPs ?? (spec.clusterIP === undefined ? none : [spec.clusterIP])
  const first = all[0]
  if (first !== undefined && isAddressOf(first, family)) return canonicalIp(first)
  return ofFamily(all.filter(isAddress), family)[0]
}

const isAddress = (text: string): boolean => text !== '' && text !== 'None'
const isAddressOf = (text: string, family: IpFamily): boolean => isAddress(text) && isOfFamily(text, family)

/** Those of the family, each once, however often and in whatever spelling it is there. */
const ofFamily = (addresses: readonly string[], family: IpFamily): readonly string[] =>
  addresses.length === 0 ? none : selectOwn(addresses, family)

function selectOwn(addresses: readonly string[], family: IpFamily): readonly string[] {
  const own = addresses.flatMap((address) => (isOfFamily(address, family) ? (canonicalIp(address) ?? none) : none))
  return [...new Set(own)]
}

/** For addresses that the API has validated. */
const isOfFamily = (address: string, family: IpFamily) => address.includes(':') === (family === 'IPv6')

interface CommonRoute {
  readonly clusterIp: string
  readonly externalIps: readonly string[]
  readonly loadBalancerIps: readonly string[]
  readonly exclusiveIps: readonly string[]
  readonly loadBalancerSourceRanges: readonly string[]
  readonly affinitySeconds: number
}

function serviceRoute(service: Service, family: IpFamily, clusterIp: string): CommonRoute {
  const { spec, metadata } = service
  const isAffine = spec.sessionAffinity === 'ClientIP'
  const exclusiveIps = ofFamily(allocatedIps(service), family)
  return {
    clusterIp,
    externalIps: ofFamily(spec.externalIPs ?? none, family),
    loadBalancerIps: selectLoadBalancerIps(service, exclusiveIps, family),
    exclusiveIps,
    loadBalancerSourceRanges: selectSourceRanges(
      spec.loadBalancerSourceRanges ?? metadata.annotations?.[sourceRangesAnnotation]?.split(',') ?? none,
      family,
    ),
    affinitySeconds: isAffine ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? defaultAffinitySeconds) : 0,
  }
}

const none: readonly string[] = []

/** The older way to say it; load balancers heed it when the field is absent. */
const sourceRangesAnnotation = 'service.beta.kubernetes.io/load-balancer-source-ranges'

/**
 * Those of the status and those about to get there. Not those of mode Proxy: their load balancer wants to see the
 * traffic also of clients inside.
 */
function selectLoadBalancerIps(
  { spec, status }: Service,
  allocated: readonly string[],
  family: IpFamily,
): readonly string[] {
  if (spec.type !== 'LoadBalancer') return none
  const announced = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, ipMode }) =>
    ip !== undefined && ipMode !== 'Proxy' ? [ip] : none,
  )
  return ofFamily([...announced, ...allocated], family)
}

/** Ranges of the family in canonical text, without those inside another; empty when everybody is allowed. */
export const selectSourceRanges = (texts: readonly string[], family: IpFamily): readonly string[] =>
  texts.length === 0 ? none : outermostRanges(texts, family)

function outermostRanges(texts: readonly string[], family: IpFamily): readonly string[] {
  const ranges: Cidr[] = texts.flatMap((text) => {
    const cidr = parseCidr(text.trim())
    if (cidr?.base.family !== family) return []
    return [{ base: maskIp(cidr.base, cidr.prefixLength), prefixLength: cidr.prefixLength }]
  })
  if (ranges.some(({ prefixLength }) => prefixLength === 0)) return none
  const outermost = ranges.filter(
    (range) => !ranges.some((other) => other.prefixLength < range.prefixLength && cidrContains(other, range.base)),
  )
  return [...new Set(outermost.map(formatCidr))].toSorted()
}

function portRoute(
  { metadata, spec }: Service,
  common: CommonRoute,
  port: ServicePort,
  slices: readonly EndpointSlice[],
  node: NodePlace,
): ServicePortRoute {
  const { clusterIp, externalIps, loadBalancerIps, exclusiveIps, loadBalancerSourceRanges, affinitySeconds } = common
  const protocol: Protocol = port.protocol ?? 'TCP'
  const name = port.name ?? ''
  const internalPolicy = spec.internalTrafficPolicy ?? 'Cluster'
  const externalPolicy = spec.externalTrafficPolicy ?? 'Cluster'
  const usesLocal = internalPolicy === 'Local' || externalPolicy === 'Local'
  const isPlain = protocol !== 'UDP' && !usesLocal
  const plain = isPlain ? selectPlainEndpoints(slices, name, protocol, node) : undefined
  const candidates = plain ? noCandidates : selectCandidates(slices, name, protocol)
  const { cluster, local } = plain
    ? { cluster: plain, local: noEndpoints }
    : selectEndpoints(candidates, node, usesLocal)
  return {
    key: `${metadata.namespace}/${metadata.name}:${name}/${protocol}`,
    protocol,
    clusterIp,
    port: port.port,
    nodePort: port.nodePort ?? 0,
    externalIps,
    loadBalancerIps,
    exclusiveIps,
    loadBalancerSourceRanges,
    internalPolicy,
    externalPolicy,
    affinitySeconds,
    cluster,
    local,
    serving: protocol === 'UDP' ? servingTargets(candidates) : none,
  }
}

const noCandidates: readonly Candidate[] = []
const noEndpoints: readonly RouteEndpoint[] = []

const servingTargets = (candidates: readonly Candidate[]): readonly string[] =>
  candidates.filter(({ endpoint }) => isServing(endpoint)).map(({ address, port: own }) => `${address} ${own}`)
