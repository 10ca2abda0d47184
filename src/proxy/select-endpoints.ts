/** Which endpoints of a Service port a node uses: lists C (everywhere) and L (this node). */
import type { Endpoint, EndpointSlice } from '#api/endpoint-slice.ts'
import { canonicalIp } from '#lib/ip.ts'
import type { Protocol, RouteEndpoint } from './backend.ts'

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

/** Longer lists take the way that looks for repeats by a map. */
const maxPlainLength = 16

/** List C as it mostly is: short, all ready, without hints, repeats and odd spellings. Undefined: it is not so plain. */
export function selectPlainEndpoints(
  slices: readonly EndpointSlice[],
  portName: string,
  protocol: Protocol,
  node: NodePlace,
): readonly RouteEndpoint[] | undefined {
  if (slices.length !== 1) return undefined
  const { ports, endpoints = noEndpoints } = slices[0]!
  const port = findPort(ports, portName, protocol)
  if (!port) return noRoutes
  if (!arePlain(endpoints)) return undefined
  return endpoints.map(({ addresses, nodeName }) => ({ address: addresses[0]!, port, isLocal: nodeName === node.name }))
}

const noEndpoints: readonly Endpoint[] = []

/** By index: a first sync runs code that is not compiled yet, where each step of an iterator allocates. */
function arePlain(endpoints: readonly Endpoint[]): boolean {
  if (endpoints.length > maxPlainLength) return false
  for (let index = 0; index < endpoints.length; index++) {
    const endpoint = endpoints[index]!
    const address = endpoint.addresses[0]
    if (address === undefined || canonicalIp(address) !== address) return false
    if (endpoint.hints || !isReady(endpoint)) return false
    for (let before = 0; before < index; before++) if (endpoints[before]!.addresses[0] === address) return false
  }
  return true
}

function findPort(ports: EndpointSlice['ports'], name: string, protocol: Protocol): number | undefined {
  if (!ports) return undefined
  for (let index = 0; index < ports.length; index++) {
    const port = ports[index]!
    if ((port.name ?? '') === name && (port.protocol ?? 'TCP') === protocol) return port.port
  }
  return undefined
}

/** Endpoints for one port name and protocol, each address and port once: a ready mention wins. */
export function selectCandidates(slices: readonly EndpointSlice[], portName: string, protocol: Protocol): Candidate[] {
  const candidates: Candidate[] = []
  for (const { ports, endpoints } of slices) {
    const port = findPort(ports, portName, protocol)
    if (!port || !endpoints) continue
    for (const endpoint of endpoints) {
      const [text] = endpoint.addresses
      const address = text === undefined ? undefined : canonicalIp(text)
      if (address !== undefined) candidates.push({ address, port, endpoint })
    }
  }
  return hasRepeats(candidates) ? withoutRepeats(candidates) : candidates
}

function hasRepeats(candidates: readonly Candidate[]): boolean {
  if (candidates.length > maxPlainLength) return true
  return candidates.some(({ address, port }, index) => {
    for (let other = 0; other < index; other++) {
      if (candidates[other]!.address === address && candidates[other]!.port === port) return true
    }
    return false
  })
}

function withoutRepeats(candidates: readonly Candidate[]): Candidate[] {
  const byTarget = new Map<string, Candidate>()
  for (const candidate of candidates) {
    const key = `${candidate.address} ${candidate.port}`
    const known = byTarget.get(key)
    if (!known || (!isReady(known.endpoint) && isReady(candidate.endpoint))) byTarget.set(key, candidate)
  }
  return [...byTarget.values()]
}

export interface SelectedEndpoints {
  readonly cluster: readonly RouteEndpoint[]
  /** Empty when nobody asks. */
  readonly local: readonly RouteEndpoint[]
}

export function selectEndpoints(
  candidates: readonly Candidate[],
  node: NodePlace,
  usesLocal: boolean,
): SelectedEndpoints {
  const ready = candidates.every(({ endpoint }) => isReady(endpoint))
    ? candidates
    : candidates.filter(({ endpoint }) => isReady(endpoint))
  const draining = ready === candidates ? none : candidates.filter(({ endpoint }) => isDraining(endpoint))
  const cluster = toRoutes(ready.length > 0 ? selectByHints(ready, node) : draining, node)
  if (!usesLocal) return { cluster, local: noRoutes }
  const isLocal = ({ endpoint }: Candidate) => endpoint.nodeName === node.name
  const localReady = ready.filter(isLocal)
  return { cluster, local: toRoutes(localReady.length > 0 ? localReady : draining.filter(isLocal), node) }
}

const none: readonly Candidate[] = []
const noRoutes: readonly RouteEndpoint[] = []

/** Absent conditions mean ready. */
const isReady = (endpoint: Endpoint): boolean => endpoint.conditions?.ready !== false

/** Whether it answers at all; decides which UDP flows may go on. */
export const isServing = (endpoint: Endpoint): boolean => endpoint.conditions?.serving ?? isReady(endpoint)

/** Used only when nobody is ready: on its way out but still answering. */
const isDraining = (endpoint: Endpoint): boolean =>
  !isReady(endpoint) && isServing(endpoint) && endpoint.conditions?.terminating === true

/** A level of hints counts only when every endpoint has them and one of them names our place. */
function selectByHints(ready: readonly Candidate[], node: NodePlace): readonly Candidate[] {
  if (!ready[0]?.endpoint.hints) return ready
  const onNode = hintedTo(ready, (endpoint) => endpoint.hints?.forNodes, node.name)
  if (onNode.length > 0) return onNode
  const inZone = node.zone === undefined ? none : hintedTo(ready, (endpoint) => endpoint.hints?.forZones, node.zone)
  return inZone.length > 0 ? inZone : ready
}

function hintedTo(
  ready: readonly Candidate[],
  hints: (endpoint: Endpoint) => readonly { readonly name: string }[] | undefined,
  place: string,
): readonly Candidate[] {
  if (!ready.every(({ endpoint }) => (hints(endpoint)?.length ?? 0) > 0)) return none
  return ready.filter(({ endpoint }) => hints(endpoint)!.some(({ name }) => name === place))
}

function toRoutes(candidates: readonly Candidate[], node: NodePlace): RouteEndpoint[] {
  return candidates.map(({ address, port, endpoint }) => ({ address, port, isLocal: endpoint.nodeName === node.name }))
}
