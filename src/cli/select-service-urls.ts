/** Which addresses of a Service could answer from this host, best first. */
import type { Node } from '#api/node.ts'
import type { Service } from '#api/service.ts'
import { localhostPorts } from '#api/load-balancer-address.ts'
import { hostAddressOf, hostPortOf } from '#host-access/plan-host-address.ts'
import { localhost } from '#host-access/plan-localhost.ts'

type ServicePort = NonNullable<NonNullable<Service['spec']>['ports']>[number]

export interface Candidate {
  readonly host: string
  readonly port: number
}

/** The port asked for by name or number; the only or first one when nothing was asked. */
export function selectServicePort(service: Service, wanted: string | undefined): ServicePort | undefined {
  const ports = service.spec?.ports ?? []
  return wanted === undefined ? ports[0] : ports.find((port) => port.name === wanted || String(port.port) === wanted)
}

export function selectCandidates(
  service: Service,
  port: ServicePort,
  nodes: readonly Node[],
  privileged: boolean,
): Candidate[] {
  const clusterIP = service.spec?.clusterIP
  const hasClusterIP = clusterIP !== undefined && clusterIP !== '' && clusterIP !== 'None'
  const hostPorts = (service.spec?.ports ?? [])
    .filter((other) => (other.protocol ?? 'TCP') === (port.protocol ?? 'TCP'))
    .map((other) => other.port)
  const ingress = (service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) =>
    ip ? [{ host: ip, port: port.port }] : [],
  )
  const loopbackHost = hasClusterIP ? hostAddressOf(clusterIP) : undefined
  const loopback = loopbackHost ? [{ host: loopbackHost, port: hostPortOf(port.port, hostPorts, privileged) }] : []
  const nodePorts = port.nodePort
    ? nodes.flatMap((node) => externalIps(node)).map((host) => ({ host, port: port.nodePort as number }))
    : []
  const remembered = localhostPorts(service)
    .filter((one) => one.port === port.port && one.protocol === (port.protocol ?? 'TCP'))
    .map(({ hostPort }) => ({ host: localhost, port: hostPort }))
  // They bind the load balancer's address and the ports of localhost that lead to it, and silence is hard to tell from
  // a Service that thinks: the ways around it come first.
  if (hasSourceRanges(service)) return [...loopback, ...nodePorts, ...remembered, ...ingress]
  // An ordinary user's cluster has no way from the host to its load balancers' own addresses.
  return privileged
    ? [...ingress, ...remembered, ...loopback, ...nodePorts]
    : [...remembered, ...loopback, ...nodePorts, ...ingress]
}

const sourceRangesAnnotation = 'service.beta.kubernetes.io/load-balancer-source-ranges'

const hasSourceRanges = ({ metadata, spec }: Service): boolean =>
  (spec.loadBalancerSourceRanges?.length ?? 0) > 0 || metadata.annotations?.[sourceRangesAnnotation] !== undefined

function externalIps(node: Node): string[] {
  return (node.status?.addresses ?? []).filter(({ type }) => type === 'ExternalIP').map(({ address }) => address)
}

export function renderUrl(scheme: string, { host, port }: Candidate): string {
  const standard = (scheme === 'http' && port === 80) || (scheme === 'https' && port === 443)
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}${standard ? '' : `:${port}`}`
}
