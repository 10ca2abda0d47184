/** Which addresses of a Service could answer from this host, best first. */
import type { Node } from '#api/node.ts'
import type { Service } from '#api/service.ts'
import { hostAddressOf, hostPortOf } from '#host-access/plan-host-address.ts'

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
  const hostPorts = (service.spec?.ports ?? []).map((other) => other.port)
  const ingress = (service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) =>
    ip ? [{ host: ip, port: port.port }] : [],
  )
  const loopbackHost = hasClusterIP ? hostAddressOf(clusterIP) : undefined
  const loopback = loopbackHost ? [{ host: loopbackHost, port: hostPortOf(port.port, hostPorts, privileged) }] : []
  const nodePorts = port.nodePort
    ? nodes.flatMap((node) => externalIps(node)).map((host) => ({ host, port: port.nodePort as number }))
    : []
  return [...ingress, ...loopback, ...nodePorts]
}

function externalIps(node: Node): string[] {
  return (node.status?.addresses ?? []).filter(({ type }) => type === 'ExternalIP').map(({ address }) => address)
}

/** `http`, `https`, or the bare protocol for what no browser speaks. */
export function selectScheme(port: ServicePort): string {
  if (port.protocol === 'UDP' || port.protocol === 'SCTP') return port.protocol.toLowerCase()
  const said = port.appProtocol ?? port.name ?? ''
  return said.startsWith('https') || port.port === 443 ? 'https' : 'http'
}

export function renderUrl(scheme: string, { host, port }: Candidate): string {
  const standard = (scheme === 'http' && port === 80) || (scheme === 'https' && port === 443)
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}${standard ? '' : `:${port}`}`
}
