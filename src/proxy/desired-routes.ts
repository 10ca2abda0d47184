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

/** A lone slice, which nearly every Service has, needs no list; none is always `noSlices`. */
type Slices = EndpointSlice | readonly EndpointSlice[]

interface Entry {
  readonly namespace: string
  readonly name: string
  service: Service | undefined
  slices: Slices
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
    this.#touch(this.#entry(namespace, name)).service = isRouted ? after : undefined
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
    const changed: ChangedService[] = []
    const dirty = this.#dirty
    const places = { before: this.#collectedPlace, after: this.#place }
    this.#dirty = []
    this.#collectedPlace = this.#place
    for (let index = 0; index < dirty.length; index++) {
      const entry = dirty[index]!
      const { service, slices, collected: before = nothing } = entry
      entry.collected = undefined
      this.#collectHealthCheck(entry)
      if (!service && slices === noSlices) this.#forget(entry)
      if (!service && !before.service) continue
      const change = { before, after: { service, slices } }
      changed.push(change)
      if (usesLocalPolicy(service) || usesLocalPolicy(before.service)) this.#countGaps(change, places)
    }
    const changes = { services: changed.length, [Symbol.iterator]: () => routeChanges(this.#family, changed, places) }
    const desired = { family: this.#family, routes: { [Symbol.iterator]: () => this.#allRoutes() } }
    return { desired, changes }
  }

  /** Those as collected last: what has come in since is not among them. */
  *#allRoutes(): Generator<ServicePortRoute> {
    for (const entries of this.#namespaces.values()) {
      for (const entry of entries.values()) {
        const routes = routesOf(this.#family, entry.collected ?? entry, this.#collectedPlace)
        for (let index = 0; index < routes.length; index++) yield routes[index]!
      }
    }
  }

  #putSlice(service: string, { metadata }: EndpointSlice, slice: EndpointSlice | undefined): void {
    const entry = this.#touch(this.#entry(metadata.namespace ?? '', service))
    if (slice && entry.slices === noSlices) {
      entry.slices = slice
      return
    }
    const slices = listOf(entry.slices)
    const place = slices.findIndex((one) => one.metadata.name === metadata.name)
    if (!slice) entry.slices = packed(slices.filter((_, index) => index !== place))
    else entry.slices = packed(place < 0 ? [...slices, slice] : slices.with(place, slice))
  }

  #touch(entry: Entry): Entry {
    if (entry.collected) return entry
    const { service, slices } = entry
    entry.collected = service || slices !== noSlices ? { service, slices } : nothing
    this.#dirty.push(entry)
    return entry
  }

  #collectHealthCheck({ namespace, name, service, slices }: Entry): void {
    const check = service && desiredHealthCheck(service, listOf(slices), this.#place.name)
    if (!check && this.#healthChecks.size === 0) return
    const key = `${namespace}/${name}`
    if (!check) this.#healthChecks.delete(key)
    else if (!sameHealthCheck(check, this.#healthChecks.get(key))) this.#healthChecks.set(key, check)
  }

  #countGaps({ before, after }: ChangedService, places: Places): void {
    const less = countLocalGaps(this.#localGaps, routesOf(this.#family, before, places.before), -1)
    this.#localGaps = countLocalGaps(less, routesOf(this.#family, after, places.after), 1)
  }

  #forget({ namespace, name }: Entry): void {
    const entries = this.#namespaces.get(namespace)
    entries?.delete(name)
    if (entries?.size === 0) this.#namespaces.delete(namespace)
  }

  #entry(namespace: string, name: string): Entry {
    let entries = this.#namespaces.get(namespace)
    if (!entries) this.#namespaces.set(namespace, (entries = new Map()))
    let entry = entries.get(name)
    if (!entry) {
      entry = { namespace, name, service: undefined, slices: noSlices, collected: undefined }
      entries.set(name, entry)
    }
    return entry
  }
}

const noSlices: readonly EndpointSlice[] = []
const listOf = (slices: Slices): readonly EndpointSlice[] => ('metadata' in slices ? [slices] : slices)
const packed = (slices: readonly EndpointSlice[]): Slices => (slices.length > 1 ? slices : (slices[0] ?? noSlices))
const nothing: ServiceState = { service: undefined, slices: noSlices }

interface ChangedService {
  readonly before: ServiceState
  readonly after: ServiceState
}

interface Places {
  readonly before: NodePlace
  readonly after: NodePlace
}

const routesOf = (family: IpFamily, { service, slices }: ServiceState, place: NodePlace) =>
  service ? desiredServicePorts(family, service, listOf(slices), place) : noRoutes

const noRoutes: readonly ServicePortRoute[] = []

function* routeChanges(family: IpFamily, changed: readonly ChangedService[], places: Places): Generator<RouteChange> {
  for (let index = 0; index < changed.length; index++) {
    const { before, after } = changed[index]!
    const had = routesOf(family, before, places.before)
    const has = routesOf(family, after, places.after)
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
