/** Which endpoints a Service should have, by address family and by the ports that its pods resolve to. Pure. */
import type { Endpoint, EndpointPort } from '#api/endpoint-slice.ts'
import type { Node } from '#api/node.ts'
import type { Pod } from '#api/pod.ts'
import type { Service, ServicePort } from '#api/service.ts'
import { parseIp } from '#lib/ip.ts'
import type { IpFamily } from '#lib/ip.ts'
import { isReady, isTerminal, isTerminating } from '../pod-state.ts'

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
    const address = podIps(pod).find((ip) => parseIp(ip)?.family === family)
    if (!address || isTerminal(pod) || awaitsNode(sources, pod)) continue
    const ports = endpointPorts(service, pod)
    const key = portsKey(ports)
    const group = groups.get(key) ?? { ports, endpoints: [] }
    group.endpoints.push(podEndpoint({ service, pod, address, node: findNode(pod.spec.nodeName ?? '') }))
    groups.set(key, group)
  }
  return groups
}

export function podIps(pod: Pod): string[] {
  const listed = (pod.status?.podIPs ?? []).flatMap(({ ip }) => ip ?? [])
  return listed.length > 0 ? listed : pod.status?.podIP ? [pod.status.podIP] : []
}

interface EndpointSource {
  readonly service: Service
  readonly pod: Pod
  readonly address: string
  readonly node: Node | undefined
}

function podEndpoint({ service, pod, address, node }: EndpointSource): Endpoint {
  const { hostname, subdomain, nodeName } = pod.spec
  const serving = isReady(pod)
  const terminating = isTerminating(pod)
  const ready = service.spec.publishNotReadyAddresses === true || (serving && !terminating)
  const zone = node?.metadata.labels?.['topology.kubernetes.io/zone']
  const hints = ready ? trafficHints(service.spec.trafficDistribution, nodeName, zone) : undefined
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

/** A port whose name the pod does not have is left out for that pod. */
export function endpointPorts(service: Service, pod: Pod): EndpointPort[] {
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
