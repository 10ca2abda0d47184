/** Which addresses of the host's loopback lead where, for one Service. */
import type { Node } from '#api/node.ts'
import type { Service, ServicePort } from '#api/service.ts'
import { cidrContains, type IpFamily, parseCidr, parseIp } from '#lib/ip.ts'
import { hostAddressOf, hostPortOf } from './plan-host-address.ts'

export interface Door {
  readonly address: string
  readonly port: number
}

export const familyOf = ({ address }: Door): IpFamily => (address.includes(':') ? 'IPv6' : 'IPv4')

export interface Forward {
  readonly protocol: 'TCP' | 'UDP'
  /** On the host. */
  readonly listen: Door
  /** In the cluster's underlay: an address for the kernel's Service rules to decide about. */
  readonly target: Door
}

/** A node whose ports have an address on the host's loopback. */
export interface NodeDoor {
  readonly hostAddress: string
  /** One of each family that the node has. */
  readonly internalIps: readonly string[]
}

export function forwardKey({ protocol, listen }: Forward): string {
  return `${protocol} ${listen.address}:${listen.port}`
}

const loopback = parseCidr('127.0.0.0/8')!

/** Undefined for a node that has no loopback address among its ExternalIPs, as nodes of other clusters. */
export function nodeDoorOf(node: Node): NodeDoor | undefined {
  const addresses = node.status?.addresses ?? []
  const isLoopback = (text: string): boolean => {
    const address = parseIp(text)
    return address !== undefined && cidrContains(loopback, address)
  }
  const hostAddress = addresses.find(({ type, address }) => type === 'ExternalIP' && isLoopback(address))?.address
  const internalIps = addresses.flatMap(({ type, address }) =>
    type === 'InternalIP' && parseIp(address) ? [address] : [],
  )
  return hostAddress && internalIps.length > 0 ? { hostAddress, internalIps } : undefined
}

export function desiredForwards(service: Service, nodes: readonly NodeDoor[], privileged: boolean): Forward[] {
  if (service.spec.type === 'ExternalName') return []
  const ports = (service.spec.ports ?? []).filter(isForwardable)
  return [...nodePortForwards(service, ports, nodes), ...clusterIpForwards(service, ports, privileged)]
}

type ForwardablePort = ServicePort & { readonly protocol: 'TCP' | 'UDP' }

function isForwardable(port: ServicePort): port is ForwardablePort {
  return port.protocol === 'TCP' || port.protocol === 'UDP'
}

/** A node has one door, which leads to its address of the Service's first family. */
function nodePortForwards({ spec }: Service, ports: readonly ForwardablePort[], nodes: readonly NodeDoor[]): Forward[] {
  const family = spec.ipFamilies?.[0] ?? 'IPv4'
  return ports.flatMap(({ protocol, nodePort }) => {
    if (!nodePort) return []
    return nodes.flatMap(({ hostAddress, internalIps }) => {
      const targets = internalIps.map((address) => ({ address, port: nodePort }))
      const target = targets.find((one) => familyOf(one) === family)
      return target ? [{ protocol, listen: { address: hostAddress, port: nodePort }, target }] : []
    })
  })
}

function clusterIpForwards({ spec }: Service, ports: readonly ForwardablePort[], privileged: boolean): Forward[] {
  const clusterIps = spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : [])
  return clusterIps.flatMap((clusterIp) => {
    const hostAddress = hostAddressOf(clusterIp)
    if (!hostAddress) return []
    return ports.map(({ protocol, port }) => {
      const all = ports.filter((other) => other.protocol === protocol).map((other) => other.port)
      const listen = { address: hostAddress, port: hostPortOf(port, all, privileged) }
      return { protocol, listen, target: { address: clusterIp, port } }
    })
  })
}
