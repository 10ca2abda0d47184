/** Which endpoints a Service should have, by address family and by the ports that its pods resolve to. Pure. */
import type { Endpoint, EndpointPort } from '#api/endpoint-slice.ts'
import type { Node } from '#api/node.ts'
import type { Pod } from '#api/pod.ts'
import type { Service, ServicePort } from '#api/service.ts'
import { parseIp } from '#lib/ip.ts'
import type { IpFamily } from '#lib/ip.ts'
import { isReady, isTerminal, isTerminating } from '../pod-state.ts'
import { remember, rememberPair } from '../remember.ts'
import { wantsZoneHints } from './topology-mode.ts'
import { zoneLabel } from './zone-shares.ts'

/** Endpoints that share one list of port numbers, and so can share slices. */
export interface PortGroup {
  readonly ports: readonly EndpointPort[]
  readonly endpoints: Endpoint[]
}

export interface DesiredEndpoints {
  readonly family: IpFamily
  /** By `portsKey`. */
  readonly groups: ReadonlyMap<string, PortGroup>
}

export interface EndpointSources {
  readonly service: Service
  readonly pods: readonly Pod[]
  readonly findNode: (name: string) => Node | undefined
}

export function desiredEndpoints(sources: EndpointSources): DesiredEndpoints[] {
  return familiesOf(sources).map((family) => ({ family, groups: groupByPorts(sources, family) }))
}

/** A pod whose node is not known yet would come without its zone: it is left out until the node is there. */
export function awaitsNode({ service, findNode }: Omit<EndpointSources, 'pods'>, pod: Pod): boolean {
  const { nodeName } = pod.spec
  return !!nodeName && !service.spec.publishNotReadyAddresses && !findNode(nodeName)
}

function familiesOf({ service, pods }: EndpointSources): IpFamily[] {
  const declared = service.spec.ipFamilies ?? []
  if (declared.length > 0) return declared as IpFamily[]
  const clusterIpFamily = parseIp(service.spec.clusterIP ?? '')?.family
  if (clusterIpFamily) return [clusterIpFamily]
  const found = new Set(pods.flatMap((pod) => podIps(pod).flatMap((ip) => parseIp(ip)?.family ?? [])))
  return found.size === 0 ? ['IPv4'] : [...found].toSorted()
}

function groupByPorts(sources: EndpointSources, family: IpFamily): Map<string, PortGroup> {
  const { service, pods, findNode } = sources
  const groups = new Map<string, PortGroup>()
  for (const pod of pods) {
    const address = podIpOf(pod, family)
    if (!address || isTerminal(pod) || awaitsNode(sources, pod)) continue
    const { ports, key } = resolvedPorts(service, pod)
    const group = groups.get(key) ?? { ports, endpoints: [] }
    const zone = findNode(pod.spec.nodeName ?? '')?.metadata.labels?.[zoneLabel]
    group.endpoints.push(podEndpoint({ service, pod, address, zone }))
    groups.set(key, group)
  }
  return groups
}

function podIps(pod: Pod): string[] {
  const listed = (pod.status?.podIPs ?? []).flatMap(({ ip }) => ip ?? [])
  return listed.length > 0 ? listed : pod.status?.podIP ? [pod.status.podIP] : []
}

const ipsByFamily = remember((pod: Pod) => {
  const ips = new Map<IpFamily, string>()
  for (const ip of podIps(pod)) {
    const family = parseIp(ip)?.family
    if (family && !ips.has(family)) ips.set(family, ip)
  }
  return ips
})

/** The pod's address of that family; without a family, its first. */
export function podIpOf(pod: Pod, family: IpFamily | undefined): string | undefined {
  return family ? ipsByFamily(pod).get(family) : podIps(pod)[0]
}

interface EndpointSource {
  readonly service: Service
  readonly pod: Pod
  readonly address: string
  readonly zone: string | undefined
}

const endpointsMade = rememberPair((_service: Service, _pod: Pod) => new Map<string, Endpoint>())

/** The same object for the same source: with hundreds of pods, comparing is most of the work. */
function podEndpoint(source: EndpointSource): Endpoint {
  const made = endpointsMade(source.service, source.pod)
  const key = `${source.address} ${source.zone ?? ''}`
  let endpoint = made.get(key)
  if (!endpoint) made.set(key, (endpoint = newEndpoint(source)))
  return endpoint
}

function newEndpoint({ service, pod, address, zone }: EndpointSource): Endpoint {
  const { hostname, subdomain, nodeName } = pod.spec
  const serving = isReady(pod)
  const terminating = isTerminating(pod)
  const ready = service.spec.publishNotReadyAddresses === true || (serving && !terminating)
  const distribution = wantsZoneHints(service) ? undefined : service.spec.trafficDistribution
  const hints = ready ? trafficHints(distribution, nodeName, zone) : undefined
  const { namespace, name, uid } = pod.metadata
  return {
    addresses: [address],
    conditions: { ready, serving, terminating },
    ...(hostname && subdomain === service.metadata.name && { hostname }),
    targetRef: { kind: 'Pod', ...(namespace && { namespace }), name, ...(uid && { uid }) },
    ...(nodeName && { nodeName }),
    ...(zone && { zone }),
    ...(hints && { hints }),
  }
}

function trafficHints(distribution: string | undefined, nodeName: string | undefined, zone: string | undefined) {
  const forZones = zone ? { forZones: [{ name: zone }] } : undefined
  switch (distribution) {
    case 'PreferSameZone':
    case 'PreferClose':
      return forZones
    case 'PreferSameNode':
      return nodeName ? { ...forZones, forNodes: [{ name: nodeName }] } : forZones
    default:
      return undefined
  }
}

/** The ports of a Service as one pod has them, and the key of all pods that have the same. */
export const resolvedPorts = rememberPair((service: Service, pod: Pod) => {
  const ports = endpointPorts(service, pod)
  return { ports, key: portsKey(ports) }
})

/** A port whose name the pod does not have is left out for that pod. */
function endpointPorts(service: Service, pod: Pod): EndpointPort[] {
  return (service.spec.ports ?? []).flatMap((servicePort) => {
    const port = resolveTargetPort(servicePort, pod)
    if (port === undefined) return []
    const { name = '', protocol = 'TCP', appProtocol } = servicePort
    return [{ name, protocol, port, ...(appProtocol && { appProtocol }) }]
  })
}

function resolveTargetPort(servicePort: ServicePort, pod: Pod): number | undefined {
  const { targetPort, protocol = 'TCP' } = servicePort
  if (typeof targetPort === 'number' && targetPort !== 0) return targetPort
  if (!targetPort) return servicePort.port
  const sidecars = (pod.spec.initContainers ?? []).filter((container) => container.restartPolicy === 'Always')
  for (const container of [...pod.spec.containers, ...sidecars]) {
    const found = container.ports?.find((port) => port.name === targetPort && (port.protocol ?? 'TCP') === protocol)
    if (found) return found.containerPort
  }
  return undefined
}

export function portsKey(ports: readonly EndpointPort[] | undefined): string {
  return (ports ?? [])
    .map(({ name, protocol, port, appProtocol }) => `${name ?? ''}|${protocol ?? 'TCP'}|${port}|${appProtocol ?? ''}`)
    .toSorted()
    .join(' ')
}
