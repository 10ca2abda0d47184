/** The routes of one Service on one node. */
import type { EndpointSlice } from '#api/endpoint-slice.ts'
import type { Service, ServicePort } from '#api/service.ts'
import { cidrContains, formatCidr, maskIp, parseCidr, parseIp, type Cidr, type IpFamily } from '#lib/ip.ts'
import type { Protocol, RouteEndpoint, ServicePortRoute } from './backend.ts'
import { isReady, isServing, selectEndpoints, type Candidate, type NodePlace } from './select-endpoints.ts'

/** core/v1 DefaultClientIPServiceAffinitySeconds */
const defaultAffinitySeconds = 10_800

export function desiredServicePorts(
  family: IpFamily,
  service: Service,
  slices: Iterable<EndpointSlice>,
  node: NodePlace,
): ServicePortRoute[] {
  const clusterIp = selectClusterIp(service, family)
  if (clusterIp === undefined) return []
  const common = serviceRoute(service, family, clusterIp)
  const ordered = [...slices]
  return (service.spec.ports ?? []).map((port) => ({ ...common, ...portRoute(service, port, ordered, node) }))
}

/** Headless and ExternalName Services have none. */
function selectClusterIp({ spec }: Service, family: IpFamily): string | undefined {
  if (spec.type === 'ExternalName') return undefined
  const all = spec.clusterIPs ?? (spec.clusterIP === undefined ? [] : [spec.clusterIP])
  return all.find((address) => isOfFamily(address, family))
}

type CommonRoute = Omit<ServicePortRoute, 'key' | 'protocol' | 'port' | 'nodePort' | 'cluster' | 'local' | 'serving'>

function serviceRoute({ spec, status }: Service, family: IpFamily, clusterIp: string): CommonRoute {
  const isAffine = spec.sessionAffinity === 'ClientIP'
  const ingress = spec.type === 'LoadBalancer' ? (status?.loadBalancer?.ingress ?? []) : []
  return {
    clusterIp,
    externalIps: (spec.externalIPs ?? none).filter((address) => isOfFamily(address, family)),
    // Mode Proxy: the load balancer wants to see the traffic also of clients inside.
    loadBalancerIps: ingress.flatMap(({ ip, ipMode }) =>
      ip !== undefined && ipMode !== 'Proxy' && isOfFamily(ip, family) ? [ip] : none,
    ),
    loadBalancerSourceRanges: selectSourceRanges(spec.loadBalancerSourceRanges ?? none, family),
    internalPolicy: spec.internalTrafficPolicy ?? 'Cluster',
    externalPolicy: spec.externalTrafficPolicy ?? 'Cluster',
    affinitySeconds: isAffine ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? defaultAffinitySeconds) : 0,
  }
}

const none: readonly string[] = []
const isOfFamily = (address: string, family: IpFamily) => parseIp(address)?.family === family

/** Ranges of the family in canonical text, without those inside another; empty when everybody is allowed. */
export function selectSourceRanges(texts: readonly string[], family: IpFamily): readonly string[] {
  if (texts.length === 0) return none
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

function portRoute(service: Service, port: ServicePort, slices: readonly EndpointSlice[], node: NodePlace) {
  const { namespace, name } = service.metadata
  const protocol: Protocol = port.protocol ?? 'TCP'
  const candidates = selectCandidates(slices, port.name ?? '', protocol)
  const { cluster, local } = selectEndpoints(candidates, node)
  const { internalTrafficPolicy, externalTrafficPolicy } = service.spec
  const usesLocal = internalTrafficPolicy === 'Local' || externalTrafficPolicy === 'Local'
  return {
    key: `${namespace}/${name}:${port.name ?? ''}/${protocol}`,
    protocol,
    port: port.port,
    nodePort: port.nodePort ?? 0,
    cluster,
    local: usesLocal ? local : noEndpoints,
    serving:
      protocol === 'UDP'
        ? candidates.filter(({ endpoint }) => isServing(endpoint)).map(({ address }) => address)
        : none,
  }
}

const noEndpoints: readonly RouteEndpoint[] = []

/** Endpoints for one port name and protocol, each address and port once: a ready mention wins. */
function selectCandidates(slices: readonly EndpointSlice[], portName: string, protocol: Protocol): Candidate[] {
  const candidates: Candidate[] = []
  let mentions = 0
  for (const slice of slices) {
    const port = slice.ports?.find((one) => (one.name ?? '') === portName && (one.protocol ?? 'TCP') === protocol)?.port
    if (!port) continue
    mentions++
    for (const endpoint of slice.endpoints ?? []) {
      const address = endpoint.addresses[0]
      if (address !== undefined) candidates.push({ address, port, endpoint })
    }
  }
  return mentions < 2 && candidates.length < 2 ? candidates : withoutRepeats(candidates)
}

function withoutRepeats(candidates: readonly Candidate[]): Candidate[] {
  const byTarget = new Map<string, Candidate>()
  for (const candidate of candidates) {
    const key = `${candidate.address} ${candidate.port}`
    const known = byTarget.get(key)
    if (!known || (!isReady(known.endpoint) && isReady(candidate.endpoint))) byTarget.set(key, candidate)
  }
  return byTarget.size === candidates.length ? (candidates as Candidate[]) : [...byTarget.values()]
}
