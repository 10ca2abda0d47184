/** Which node takes the traffic for an address. */
import type { Endpoint, EndpointSlice } from '#api/endpoint-slice.ts'
import type { Service } from '#api/service.ts'
import type { NodeView } from './select-wishes.ts'

export interface HeldService {
  readonly service: Service
  readonly slices: readonly EndpointSlice[]
}

/**
 * Nodes to which traffic for an address may be sent: any that takes traffic, and with policy Local only those with ready
 * endpoints. Without any such, those where endpoints are on their way out but answer; without those, too, any node, whose
 * rules then refuse.
 */
export function selectTargets(services: readonly HeldService[], nodes: readonly NodeView[]): readonly NodeView[] {
  const open = nodes.filter(({ takesTraffic }) => takesTraffic)
  const local = services.filter(({ service }) => service.spec.externalTrafficPolicy === 'Local')
  if (local.length === 0) return open
  const endpoints = local.flatMap(({ slices }) => slices.flatMap((slice) => slice.endpoints ?? []))
  for (const isWanted of [isReady, isDraining]) {
    const names = new Set(endpoints.flatMap((endpoint) => (isWanted(endpoint) ? (endpoint.nodeName ?? []) : [])))
    const targets = open.filter(({ name }) => names.has(name))
    if (targets.length > 0) return targets
    // what is ready only where no traffic may be sent must not be answered by a node that has nothing
    if (names.size > 0) return []
  }
  return open
}

export const isReady = ({ conditions }: Endpoint): boolean => conditions?.ready !== false
export const isDraining = ({ conditions }: Endpoint): boolean =>
  conditions?.ready === false && conditions.serving === true && conditions.terminating === true

/**
 * One of the targets: the present one as long as it may, so that connections live on; else the one that the address
 * and the names decide, so that addresses are spread over nodes.
 */
export function electTarget(ip: string, targets: readonly NodeView[], presentVia?: string): NodeView | undefined {
  const present = targets.find(({ internalIps }) => presentVia !== undefined && internalIps.includes(presentVia))
  if (present) return present
  let best: { node: NodeView; score: number } | undefined
  for (const node of targets) {
    const score = hash(`${ip} ${node.name}`)
    if (!best || score > best.score) best = { node, score }
  }
  return best?.node
}

/** FNV-1a, with its high bits mixed in again: names that differ in one digit must not follow one another. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}
