/** The front ends of a service port, and who may use them. */
import { cidrContains, formatIp, maskIp, parseCidr, parseIp, type IpAddress } from '#lib/ip.ts'
import { isExternallyAccessible, type NodeTraffic, type Protocol, type ServicePortRoute } from '../backend.ts'
import type { Element } from './elements.ts'
import { frontKey, nodePortKey, type ShortKey } from './short-keys.ts'
import * as mark from './mark.ts'

export interface Front {
  /** Unique among those of its family. */
  readonly key: ShortKey
  readonly protocol: Protocol
  readonly port: number
  /** Absent: a port of the node. */
  readonly address: string | undefined
  /** Its mark, of which the lower bits are the number of the service port. */
  readonly mark: number
  /** Key of the service port. */
  readonly owner: string
  /** Whether the address is a ClusterIP: only there a comment names the service port. */
  readonly isClusterIp: boolean
}

export interface FrontElements {
  readonly served: readonly Front[]
  readonly refused: readonly Front[]
}

const none: readonly Front[] = []
export const noFronts: FrontElements = { served: none, refused: none }

/** Everything but the endpoints themselves. */
export function hasSameFronts(a: ServicePortRoute, b: ServicePortRoute): boolean {
  return (
    a.clusterIp === b.clusterIp &&
    a.port === b.port &&
    a.nodePort === b.nodePort &&
    a.internalPolicy === b.internalPolicy &&
    a.externalPolicy === b.externalPolicy &&
    (a.cluster.length === 0) === (b.cluster.length === 0) &&
    shortLengthOf(a, 'cluster') === shortLengthOf(b, 'cluster') &&
    shortLengthOf(a, 'local') === shortLengthOf(b, 'local') &&
    isSameList(a.externalIps, b.externalIps) &&
    isSameList(a.loadBalancerIps, b.loadBalancerIps) &&
    isSameList(a.exclusiveIps, b.exclusiveIps) &&
    (a.loadBalancerSourceRanges.length === 0) === (b.loadBalancerSourceRanges.length === 0)
  )
}

const isSameList = (a: readonly string[], b: readonly string[]): boolean =>
  a === b || (a.length === b.length && a.every((item, index) => item === b[index]))

export function frontElements(route: ServicePortRoute, id: number, node: NodeTraffic): FrontElements {
  const isLocal = route.internalPolicy === 'Local'
  const list = (isLocal ? mark.localList : 0) | shortLengthOf(route, isLocal ? 'local' : 'cluster')
  const internal = list | (node.masqueradeAll ? mark.masqueraded : mark.fromOutsideMasqueraded)
  const { protocol, port, clusterIp: address, key: owner } = route
  const isServed = isRouteServed(route)
  if (isExternallyAccessible(route)) return allFronts(route, id, internal)
  const key = clusterFrontKey(route)
  const front = { key, protocol, port, address, mark: isServed ? id | internal : id, owner, isClusterIp: true }
  return isServed ? { served: [front], refused: none } : { served: none, refused: [front] }
}

/** Whether its ClusterIP is a served front end; else it is a refused one. */
export const isRouteServed = ({ cluster }: ServicePortRoute): boolean => cluster.length > 0

export const clusterFrontKey = ({ clusterIp, protocol, port }: ServicePortRoute): ShortKey =>
  frontKey(clusterIp, protocol, port)

function allFronts(route: ServicePortRoute, id: number, internal: number): FrontElements {
  const { protocol, port, key: owner } = route
  const served: Front[] = []
  const refused: Front[] = []
  const isServed = isRouteServed(route)
  const add = (address: string, flags: number, isClusterIp = false) => {
    const front = { key: frontKey(address, protocol, port), protocol, port, address, owner, isClusterIp }
    if (isServed || flags & mark.restricted) {
      served.push({ ...front, mark: id | flags | (isServed ? 0 : mark.unserved) })
    }
    if (!isServed) refused.push({ ...front, mark: id })
  }
  add(route.clusterIp, internal, true)
  // With policy Local the list depends on where a connection comes from.
  const external =
    route.externalPolicy === 'Local' ? mark.externalLocal : mark.masqueraded | shortLengthOf(route, 'cluster')
  for (const address of route.externalIps) add(address, external)
  const isRestricted = route.loadBalancerSourceRanges.length > 0
  for (const address of route.loadBalancerIps) add(address, external | (isRestricted ? mark.restricted : 0))
  if (route.nodePort !== 0) {
    const { nodePort } = route
    const key = nodePortKey(protocol, nodePort)
    const front = { key, protocol, port: nodePort, address: undefined, owner, isClusterIp: false }
    if (isServed) served.push({ ...front, mark: id | external })
    else refused.push({ ...front, mark: id })
  }
  return { served, refused }
}

/** How a front end's mark tells the length of the list, or 0 where it cannot: map `lists` has to. */
export function shortLengthOf(route: ServicePortRoute, scope: 'cluster' | 'local'): number {
  const { length } = route[scope]
  return route.affinitySeconds === 0 && length <= mark.maxShortLength ? mark.shortLength(length) : 0
}

/** Whether connections look for the list in map `lists`. */
export const isLookedFor = (route: ServicePortRoute, scope: 'cluster' | 'local'): boolean =>
  shortLengthOf(route, scope) === 0 || (route.externalPolicy === 'Local' && isExternallyAccessible(route))

export function servedElement({ protocol, port, address, mark: value, owner, isClusterIp }: Front): Element {
  if (address === undefined) return { map: 'nodeports', protocol, port, mark: value }
  return isClusterIp
    ? { map: 'fronts', address, protocol, port, mark: value, comment: owner }
    : { map: 'fronts', address, protocol, port, mark: value }
}

export const refusedElement = ({ protocol, port, address }: Front): Element =>
  address === undefined
    ? { map: 'no-endpoint-nodeports', protocol, port }
    : { map: 'no-endpoints', address, protocol, port }

/**
 * Who may use the load balancer addresses. Where an address of the node may, the load balancer addresses themselves
 * may, too: the node comes from there when they are among its own addresses.
 */
export const sourceRanges = (route: ServicePortRoute | undefined, node: NodeTraffic): readonly string[] =>
  route && route.loadBalancerIps.length > 0 ? restrictedSources(route, node) : noRanges

function restrictedSources(route: ServicePortRoute, node: NodeTraffic): readonly string[] {
  const ranges = route.loadBalancerSourceRanges
  const nodeIps = node.nodeIps ?? noRanges
  if (ranges.length === 0 || !nodeIps.some((ip) => isWithin(ip, ranges))) return ranges
  const own = route.loadBalancerIps.filter((ip) => !isWithin(ip, ranges))
  return own.length === 0 ? ranges : [...ranges, ...own.map((ip) => `${ip}/${ip.includes(':') ? 128 : 32}`)]
}

const noRanges: readonly string[] = []

function isWithin(text: string, ranges: readonly string[]): boolean {
  const ip = parseIp(text)
  return ip !== undefined && ranges.some((range) => cidrContains(parseCidr(range)!, ip))
}

export function allowedSource(list: number, range: string): Element {
  const cidr = parseCidr(range)
  if (!cidr) throw new Error(`Cannot read the source range ${JSON.stringify(range)}`)
  const first = maskIp(cidr.base, cidr.prefixLength)
  return { map: 'allowed-sources', list, from: formatIp(first), to: formatIp(lastAddress(first, cidr.prefixLength)) }
}

function lastAddress(first: IpAddress, prefixLength: number): IpAddress {
  const ones: IpAddress = { family: first.family, bytes: first.bytes.map(() => 255) }
  const prefix = maskIp(ones, prefixLength).bytes
  return { family: first.family, bytes: first.bytes.map((byte, index) => byte | (~prefix[index]! & 255)) }
}
