/**
 * From Services and EndpointSlices, as a node's proxy watches them, to desired routes. Keeps the objects by Service, so
 * that a change costs what its own Service costs. Keeps no routes: they follow from the objects, those of before from
 * the objects of before, and would take several times the memory. No clock, no client: changes come in, routes go out.
 */
import { type EndpointSlice, headlessLabel } from '#api/endpoint-slice.ts'
import type { Service } from '#api/service.ts'
import type { IpFamily } from '#lib/ip.ts'
import type { DesiredRoutes, RouteChange, ServicePortRoute } from './backend.ts'
import { countLocalGaps, type LocalGaps, noLocalGaps, usesLocalPolicy } from './count-local-gaps.ts'
import { desiredHealthCheck, sameHealthCheck, type HealthCheck } from './desired-health-checks.ts'
import { desiredServicePorts, selectClusterIp } from './desired-service-ports.ts'
import type { NodePlace } from './select-endpoints.ts'

/** Somebody else's business: another proxy handles these objects. */
const serviceProxyNameLabel = 'service.kubernetes.io/service-proxy-name'
const serviceNameLabel = 'kubernetes.io/service-name'

export interface CollectedRoutes {
  /** As they should be at the time of the call; to be read before the next one. */
  readonly desired: DesiredRoutes
  /** What leads there from the call before. */
  readonly changes: RouteChanges
}

/** Made while they are read, as often as somebody reads them. */
export interface RouteChanges extends Iterable<RouteChange> {
  /** How many Services they are about. */
  readonly services: number
}

/** What the routes of a Service follow from: without a Service there are none. */
interface ServiceState {
  readonly service: Service | undefined
  readonly slices: Slices
}

/** Changes until it is collected; what comes later goes into a copy. */
interface OpenState extends ServiceState {
  service: Service | undefined
  slices: Slices
}

/** A lone slice, which nearly every Service has, needs no list; none is always `noSlices`. */
type Slices = EndpointSlice | readonly EndpointSlice[]

interface Entry {
  readonly namespace: string
  readonly name: string
  state: OpenState
  /** As it was collected last, while it waits to be collected anew. */
  collected: ServiceState | undefined
}

export class RouteTracker {
  readonly #family: IpFamily
  /** By namespace and name: a key of both would have to be made for every event. */
  readonly #namespaces = new Map<string, Map<string, Entry>>()
  #dirty: Entry[] = []
  #place: NodePlace
  #collectedPlace: NodePlace
  readonly #healthChecks = new Map<string, HealthCheck>()
  #localGaps = noLocalGaps

  constructor(family: IpFamily, node: NodePlace) {
    this.#family = family
    this.#place = node
    this.#collectedPlace = node
  }

  /** Whether anything waits to be collected. */
  get hasChanges(): boolean {
    return this.#dirty.length > 0
  }

  /** By `namespace/name`, as of the last `collect`. */
  get healthChecks(): ReadonlyMap<string, HealthCheck> {
    return this.#healthChecks
  }

  /** As of the last `collect`. */
  get localGaps(): LocalGaps {
    return this.#localGaps
  }

  serviceChanged(before: Service | undefined, after: Service | undefined): void {
    const { namespace = '', name } = (after ?? before)!.metadata
    const labels = after?.metadata.labels
    const isOurs = labels?.[serviceProxyNameLabel] === undefined && labels?.[headlessLabel] === undefined
    // A node has a proxy for each family: Services of the other one are not kept.
    const isRouted = isOurs && after !== undefined && selectClusterIp(after, this.#family) !== undefined
    this.#openState(namespace, name).service = isRouted ? after : undefined
  }

  sliceChanged(before: EndpointSlice | undefined, after: EndpointSlice | undefined): void {
    const nameBefore = before && serviceOf(before, this.#family)
    const nameAfter = after && serviceOf(after, this.#family)
    if (before && nameBefore !== undefined && nameBefore !== nameAfter) this.#putSlice(nameBefore, before, undefined)
    if (after && nameAfter !== undefined) this.#putSlice(nameAfter, after, after)
  }

  /** Another zone of the node changes everybody's topology. */
  nodeChanged(node: NodePlace): void {
    if (node.name === this.#place.name && node.zone === this.#place.zone) return
    this.#place = node
    for (const entries of this.#namespaces.values()) for (const entry of entries.values()) this.#touch(entry)
  }

  collect(): CollectedRoutes {
    const changed: ChangedServices = { before: [], after: [] }
    const dirty = this.#dirty
    const places = { before: this.#collectedPlace, after: this.#place }
    this.#dirty = []
    this.#collectedPlace = this.#place
    for (let index = 0; index < dirty.length; index++) {
      const entry = dirty[index]!
      const { state: after, collected: before = nothing } = entry
      entry.collected = undefined
      this.#collectHealthCheck(entry)
      if (!after.service && after.slices === noSlices) this.#forget(entry)
      if (!after.service && !before.service) continue
      changed.before.push(before)
      changed.after.push(after)
      if (usesLocalPolicy(after.service) || usesLocalPolicy(before.service)) this.#countGaps(before, after, places)
    }
    const changes = {
      services: changed.after.length,
      [Symbol.iterator]: () => routeChanges(this.#family, changed, places),
    }
    const desired = { family: this.#family, routes: { [Symbol.iterator]: () => this.#allRoutes() } }
    return { desired, changes }
  }

  /** Those as collected last: what has come in since is not among them. */
  *#allRoutes(): Generator<ServicePortRoute> {
    for (const entries of this.#namespaces.values()) {
      for (const entry of entries.values()) {
        const routes = routesOf(this.#family, entry.collected ?? entry.state, this.#collectedPlace)
        for (let index = 0; index < routes.length; index++) yield routes[index]!
      }
    }
  }

  #putSlice(service: string, { metadata }: EndpointSlice, slice: EndpointSlice | undefined): void {
    const state = this.#openState(metadata.namespace ?? '', service)
    if (slice && state.slices === noSlices) {
      state.slices = slice
      return
    }
    const slices = listOf(state.slices)
    const place = slices.findIndex((one) => one.metadata.name === metadata.name)
    if (!slice) state.slices = packed(slices.filter((_, index) => index !== place))
    else state.slices = packed(place < 0 ? [...slices, slice] : slices.with(place, slice))
  }

  /** The Service waits to be collected from now on. */
  #touch(entry: Entry): OpenState {
    if (!entry.collected) {
      const { service, slices } = entry.state
      entry.collected = entry.state
      entry.state = { service, slices }
      this.#dirty.push(entry)
    }
    return entry.state
  }

  #collectHealthCheck({ namespace, name, state: { service, slices } }: Entry): void {
    const mayHaveOne = service?.spec.healthCheckNodePort !== undefined
    const check = mayHaveOne ? desiredHealthCheck(service, listOf(slices), this.#place.name) : undefined
    if (!check && this.#healthChecks.size === 0) return
    const key = `${namespace}/${name}`
    if (!check) this.#healthChecks.delete(key)
    else if (!sameHealthCheck(check, this.#healthChecks.get(key))) this.#healthChecks.set(key, check)
  }

  #countGaps(before: ServiceState, after: ServiceState, places: Places): void {
    const less = countLocalGaps(this.#localGaps, routesOf(this.#family, before, places.before), -1)
    this.#localGaps = countLocalGaps(less, routesOf(this.#family, after, places.after), 1)
  }

  #forget({ namespace, name }: Entry): void {
    const entries = this.#namespaces.get(namespace)
    entries?.delete(name)
    if (entries?.size === 0) this.#namespaces.delete(namespace)
  }

  #openState(namespace: string, name: string): OpenState {
    let entries = this.#namespaces.get(namespace)
    if (!entries) this.#namespaces.set(namespace, (entries = new Map()))
    const known = entries.get(name)
    if (known) return this.#touch(known)
    const state: OpenState = { service: undefined, slices: noSlices }
    const entry: Entry = { namespace, name, state, collected: nothing }
    entries.set(name, entry)
    this.#dirty.push(entry)
    return state
  }
}

const noSlices: readonly EndpointSlice[] = []
const listOf = (slices: Slices): readonly EndpointSlice[] => ('metadata' in slices ? [slices] : slices)
const packed = (slices: readonly EndpointSlice[]): Slices => (slices.length > 1 ? slices : (slices[0] ?? noSlices))
const nothing: ServiceState = { service: undefined, slices: noSlices }

/** Two lists of the same length: an object for each would be tens of thousands in a first sync. */
interface ChangedServices {
  readonly before: ServiceState[]
  readonly after: ServiceState[]
}

interface Places {
  readonly before: NodePlace
  readonly after: NodePlace
}

const routesOf = (family: IpFamily, { service, slices }: ServiceState, place: NodePlace) =>
  service ? desiredServicePorts(family, service, listOf(slices), place) : noRoutes

const noRoutes: readonly ServicePortRoute[] = []

function* routeChanges(family: IpFamily, changed: ChangedServices, places: Places): Generator<RouteChange> {
  for (let index = 0; index < changed.after.length; index++) {
    const had = routesOf(family, changed.before[index]!, places.before)
    const has = routesOf(family, changed.after[index]!, places.after)
    for (const route of has) yield { key: route.key, before: withKey(had, route.key), after: route }
    for (const route of had) if (!withKey(has, route.key)) yield { key: route.key, before: route, after: undefined }
  }
}

const withKey = (routes: readonly ServicePortRoute[], wanted: string): ServicePortRoute | undefined =>
  routes.find(({ key }) => key === wanted)

/** The name of the Service whose endpoints these are, if they are for us. */
function serviceOf({ addressType, metadata: { labels } }: EndpointSlice, family: IpFamily): string | undefined {
  if (addressType !== family) return undefined
  if (labels?.[serviceProxyNameLabel] !== undefined || labels?.[headlessLabel] !== undefined) return undefined
  return labels?.[serviceNameLabel]
}
