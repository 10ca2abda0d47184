/** Which ports of the host's 127.0.0.1 lead to a load balancer. */
import { localhostPorts, type LocalhostPort } from '#api/load-balancer-address.ts'
import type { Service, ServicePort } from '#api/service.ts'
import { firstUnprivilegedPort, hostPortCandidates } from './plan-host-address.ts'
import type { Door } from './plan-forwards.ts'

export const localhost = '127.0.0.1'

/** One port of a Service that wants one of localhost's. */
export interface LocalhostWish {
  readonly port: number
  readonly protocol: 'TCP' | 'UDP'
  /** The load balancer's address: the cluster decides what happens there. */
  readonly target: Door
  /** Ports of the host, the one liked best first. */
  readonly candidates: readonly number[]
}

export const wishKey = ({ port, protocol }: Pick<LocalhostWish, 'port' | 'protocol'>): string => `${port}/${protocol}`

/** `foreign`: ports of the host by which other Services are remembered, as `8080/TCP`. */
export function desiredLocalhost(service: Service, foreign: ReadonlySet<string>): readonly LocalhostWish[] {
  const address = service.status?.loadBalancer?.ingress?.find(({ ip, ipMode }) => ip && ipMode !== 'Proxy')?.ip
  if (service.spec.type !== 'LoadBalancer' || !address) return []
  const remembered = localhostPorts(service)
  return (service.spec.ports ?? []).flatMap((port) => {
    const { protocol = 'TCP' } = port
    if (protocol === 'SCTP') return []
    const had = remembered.find((one) => one.port === port.port && one.protocol === protocol)?.hostPort
    const isFree = (candidate: number): boolean => !foreign.has(`${candidate}/${protocol}`)
    const candidates = [...(had === undefined ? [] : [had]), ...localhostCandidates(service, port).filter(isFree)]
    return { port: port.port, protocol, target: { address, port: port.port }, candidates: [...new Set(candidates)] }
  })
}

/**
 * The same number where everybody may use it, else one that resembles it, else the node port, else numbers that follow
 * from the Service's name. Also root does not take the ports below 1024: they are the host's own.
 */
export function localhostCandidates({ metadata }: Service, { port, nodePort }: ServicePort): number[] {
  const name = `${metadata.namespace}/${metadata.name}:${port}`
  const byName = Array.from({ length: 16 }, (_, attempt) => 20_000 + (hash(`${name} ${attempt}`) % 10_000))
  return [...hostPortCandidates(port), ...(nodePort ? [nodePort] : []), ...byName].filter(
    (candidate) => candidate >= firstUnprivilegedPort && candidate <= 65_535,
  )
}

/** What the other Services are remembered by. */
export function foreignPorts(services: readonly Service[], service: Service): Set<string> {
  const others = services.filter(({ metadata }) => metadata.uid !== service.metadata.uid)
  return new Set(others.flatMap(localhostPorts).map(({ hostPort, protocol }) => `${hostPort}/${protocol}`))
}

/** `http://127.0.0.1:8080 (port 80)`, for people. */
export function renderLocalhostUrls(service: Service, ports: readonly LocalhostPort[]): string {
  const urls = ports.map(({ hostPort, port, protocol }) => {
    const said = service.spec.ports?.find((one) => one.port === port && (one.protocol ?? 'TCP') === protocol)
    const scheme = said ? schemeOf(said) : protocol.toLowerCase()
    return `${scheme}://${localhost}:${hostPort} (port ${port}${protocol === 'TCP' ? '' : `/${protocol}`})`
  })
  return urls.join(', ')
}

/** `http`, `https`, or the bare protocol for what no browser speaks. */
export function schemeOf(port: ServicePort): string {
  if (port.protocol === 'UDP' || port.protocol === 'SCTP') return port.protocol.toLowerCase()
  const said = port.appProtocol ?? port.name ?? ''
  return said.startsWith('https') || port.port === 443 ? 'https' : 'http'
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  return value >>> 0
}
