/**
 * Which tracked UDP flows lead nowhere any more. UDP has no end, so a flow whose endpoint is gone would take a client's
 * datagrams to nobody for as long as it sends them.
 */
import { cidrContains, parseCidr, parseIp } from '#lib/ip.ts'
import type { ServicePortRoute } from './backend.ts'

export interface TrackedFlow {
  readonly destination: string
  readonly destinationPort: number
  readonly replySource: string
  readonly replySourcePort: number
}

/** Where clients send datagrams for a service port; without an address: to any of the node. */
export interface UdpFront {
  readonly address: string | undefined
  readonly port: number
}

export function udpFronts(route: ServicePortRoute): UdpFront[] {
  const addresses = [route.clusterIp, ...route.externalIps, ...route.loadBalancerIps]
  const fronts: UdpFront[] = addresses.map((address) => ({ address, port: route.port }))
  return route.nodePort === 0 ? fronts : [...fronts, { address: undefined, port: route.nodePort }]
}

export const frontKey = ({ address, port }: UdpFront): string => `${address ?? '*'} ${port}`

/** Who may go on answering on each front end (`address port`), by `frontKey`. */
export type ServingByFront = ReadonlyMap<string, ReadonlySet<string>>

export function servingByFront(routes: Iterable<ServicePortRoute>): Map<string, Set<string>> {
  const serving = new Map<string, Set<string>>()
  for (const route of routes) {
    for (const front of udpFronts(route)) serving.set(frontKey(front), new Set(route.serving))
  }
  return serving
}

/** What to look for after changes: a listing costs the kernel milliseconds however few flows there are. */
export interface StaleSearch {
  /** Addresses of endpoints that answer no more on some front end, or at another port. */
  readonly gone: Set<string>
  /** Front ends that came or went, or had nobody to answer: flows to them may have been left untranslated. */
  readonly fronts: Map<string, UdpFront>
}

export function planStaleSearch(
  search: StaleSearch,
  before: ServicePortRoute | undefined,
  after: ServicePortRoute | undefined,
): void {
  const serving = new Set(after?.serving)
  for (const target of before?.serving ?? []) if (!serving.has(target)) search.gone.add(target.split(' ', 1)[0]!)
  const hasBegun = before !== undefined && before.serving.length === 0 && serving.size > 0
  const [past, now] = [before, after].map((route) => new Map((route ? udpFronts(route) : []).map(toEntry)))
  for (const [key, front] of past!) if (!now!.has(key)) search.fronts.set(key, front)
  for (const [key, front] of now!) if (hasBegun || !past!.has(key)) search.fronts.set(key, front)
}

const toEntry = (front: UdpFront) => [frontKey(front), front] as const

export function isStale(flow: TrackedFlow, serving: ServingByFront, serviceCidrs: readonly string[]): boolean {
  const { destination: address, destinationPort: port } = flow
  const allowed = serving.get(frontKey({ address, port })) ?? serving.get(frontKey({ address: undefined, port }))
  if (allowed) return !allowed.has(`${flow.replySource} ${flow.replySourcePort}`)
  return serviceCidrs.some((cidr) => isInRange(address, cidr))
}

function isInRange(address: string, cidr: string): boolean {
  const [range, ip] = [parseCidr(cidr), parseIp(address)]
  return range !== undefined && ip !== undefined && cidrContains(range, ip)
}
