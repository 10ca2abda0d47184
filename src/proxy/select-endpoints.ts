/** Which endpoints of a Service port a node uses: lists C (everywhere) and L (this node). service-proxy semantics. */
import type { Endpoint } from '#api/endpoint-slice.ts'
import type { RouteEndpoint } from './backend.ts'

/** What a proxy knows of its node. */
export interface NodePlace {
  readonly name: string
  /** Label topology.kubernetes.io/zone. */
  readonly zone?: string
}

/** One address and port of a slice. */
export interface Candidate {
  readonly address: string
  readonly port: number
  readonly endpoint: Endpoint
}

export interface SelectedEndpoints {
  readonly cluster: readonly RouteEndpoint[]
  readonly local: readonly RouteEndpoint[]
}

export function selectEndpoints(candidates: readonly Candidate[], node: NodePlace): SelectedEndpoints {
  const ready = candidates.filter(({ endpoint }) => isReady(endpoint))
  const draining = ready.length === candidates.length ? [] : candidates.filter(({ endpoint }) => isDraining(endpoint))
  const cluster = ready.length > 0 ? selectByHints(ready, node) : draining
  const isLocal = ({ endpoint }: Candidate) => endpoint.nodeName === node.name
  const localReady = ready.filter(isLocal)
  const local = localReady.length > 0 ? localReady : draining.filter(isLocal)
  return { cluster: toRoutes(cluster, node), local: toRoutes(local, node) }
}

/** Absent conditions mean ready. */
export const isReady = (endpoint: Endpoint): boolean => endpoint.conditions?.ready !== false

/** Whether it answers at all; decides which UDP flows may go on. */
export const isServing = (endpoint: Endpoint): boolean => endpoint.conditions?.serving ?? isReady(endpoint)

/** Used only when nobody is ready: on its way out but still answering. */
const isDraining = (endpoint: Endpoint): boolean =>
  !isReady(endpoint) && isServing(endpoint) && endpoint.conditions?.terminating === true

/** A level of hints counts only when every endpoint has them and one of them names our place. */
function selectByHints(ready: readonly Candidate[], node: NodePlace): readonly Candidate[] {
  const hintedTo = (names: (endpoint: Endpoint) => readonly { name: string }[] | undefined, place: string) => {
    if (!ready.every(({ endpoint }) => (names(endpoint)?.length ?? 0) > 0)) return []
    return ready.filter(({ endpoint }) => names(endpoint)!.some(({ name }) => name === place))
  }
  const onNode = hintedTo((endpoint) => endpoint.hints?.forNodes, node.name)
  if (onNode.length > 0) return onNode
  const inZone = node.zone === undefined ? [] : hintedTo((endpoint) => endpoint.hints?.forZones, node.zone)
  return inZone.length > 0 ? inZone : ready
}

function toRoutes(candidates: readonly Candidate[], node: NodePlace): RouteEndpoint[] {
  return candidates.map(({ address, port, endpoint }) => ({ address, port, isLocal: endpoint.nodeName === node.name }))
}
