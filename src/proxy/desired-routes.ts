/**
 * From Services and EndpointSlices, as a node's proxy watches them, to desired routes. Keeps the objects by Service, so
 * that a change costs what its own Service costs. No clock, no client: changes come in, routes go out.
 */
import { type EndpointSlice, headlessLabel } from '#api/endpoint-slice.ts'
import type { Service } from '#api/service.ts'
import type { IpFamily } from '#lib/ip.ts'
import type { DesiredRoutes, ServicePortRoute } from './backend.ts'
import { desiredHealthCheck, sameHealthCheck, type HealthCheck } from './desired-health-checks.ts'
import { desiredServicePorts, selectClusterIp } from './desired-service-ports.ts'
import type { NodePlace } from './select-endpoints.ts'

/** Somebody else's business: another proxy handles these objects. */
const serviceProxyNameLabel = 'service.kubernetes.io/service-proxy-name'
const serviceNameLabel = 'kubernetes.io/service-name'

export interface RouteChange {
  readonly desired: DesiredRoutes
  /** Keys of the service ports that are new, gone or different since the last call. */
  readonly changed: ReadonlySet<string>
}

interface Entry {
  readonly key: string
  service: Service | undefined
  /** By name, few: a list is smaller than a map. */
  slices: readonly EndpointSlice[]
  routes: readonly ServicePortRoute[]
  /** Waits to be collected. */
  isDirty: boolean
}

export class RouteTracker {
  readonly #family: IpFamily
  #node: NodePlace
  readonly #entries = new Map<string, Entry>()
  #dirty: Entry[] = []
  readonly #servicePorts = new Map<string, ServicePortRoute>()
  readonly #healthChecks = new Map<string, HealthCheck>()

  constructor(family: IpFamily, node: NodePlace) {
    this.#family = family
    this.#node = node
  }

  /** Whether anything waits to be collected. */
  get hasChanges(): boolean {
    return this.#dirty.length > 0
  }

  /** By `namespace/name`, as of the last `collect`. */
  get healthChecks(): ReadonlyMap<string, HealthCheck> {
    return this.#healthChecks
  }

  serviceChanged(before: Service | undefined, after: Service | undefined): void {
    const { namespace, name } = (after ?? before)!.metadata
    const labels = after?.metadata.labels
    const isOurs = labels?.[serviceProxyNameLabel] === undefined && labels?.[headlessLabel] === undefined
    const entry = this.#entry(`${namespace}/${name}`)
    // A node has a proxy for each family: Services of the other one are not kept.
    const isRouted = isOurs && after !== undefined && selectClusterIp(after, this.#family) !== undefined
    entry.service = isRouted ? after : undefined
    this.#touch(entry)
  }

  sliceChanged(before: EndpointSlice | undefined, after: EndpointSlice | undefined): void {
    const keyBefore = before && isOurSlice(before, this.#family) ? sliceService(before) : undefined
    const keyAfter = after && isOurSlice(after, this.#family) ? sliceService(after) : undefined
    if (before && keyBefore !== undefined && keyBefore !== keyAfter) this.#putSlice(keyBefore, before, undefined)
    if (after && keyAfter !== undefined) this.#putSlice(keyAfter, after, after)
  }

  /** Another zone of the node changes everybody's topology. */
  nodeChanged(node: NodePlace): void {
    if (node.name === this.#node.name && node.zone === this.#node.zone) return
    this.#node = node
    for (const entry of this.#entries.values()) this.#touch(entry)
  }

  /** The routes as they should be now, and which of them differ from the last call. */
  collect(): RouteChange {
    const changed = new Set<string>()
    const dirty = this.#dirty
    for (let index = 0; index < dirty.length; index++) {
      const entry = dirty[index]!
      entry.isDirty = false
      this.#collectService(entry, changed)
    }
    this.#dirty = []
    return { desired: { family: this.#family, servicePorts: this.#servicePorts }, changed }
  }

  #putSlice(key: string, { metadata: { name } }: EndpointSlice, slice: EndpointSlice | undefined): void {
    const entry = this.#entry(key)
    const { slices } = entry
    if (slice && slices.length === 0) {
      entry.slices = [slice]
      this.#touch(entry)
      return
    }
    const place = slices.findIndex((one) => one.metadata.name === name)
    if (!slice) entry.slices = slices.filter((_, index) => index !== place)
    else if (place < 0) entry.slices = [...slices, slice]
    else entry.slices = slices.with(place, slice)
    this.#touch(entry)
  }

  #touch(entry: Entry): void {
    if (entry.isDirty) return
    entry.isDirty = true
    this.#dirty.push(entry)
  }

  #collectService(entry: Entry, changed: Set<string>): void {
    const { service, slices } = entry
    const routes = service ? desiredServicePorts(this.#family, service, slices, this.#node) : noRoutes
    if (entry.routes.length > 0) this.#dropRoutes(entry.routes, routes, changed)
    for (let index = 0; index < routes.length; index++) {
      const route = routes[index]!
      this.#servicePorts.set(route.key, route)
      changed.add(route.key)
    }
    entry.routes = routes
    const check = service && routes.length > 0 ? desiredHealthCheck(service, slices, this.#node.name) : undefined
    if (!check) {
      if (this.#healthChecks.size > 0) this.#healthChecks.delete(entry.key)
    } else if (!sameHealthCheck(check, this.#healthChecks.get(entry.key))) this.#healthChecks.set(entry.key, check)
    if (!service && slices.length === 0) this.#entries.delete(entry.key)
  }

  /** Those that are not among the new ones. */
  #dropRoutes(before: readonly ServicePortRoute[], after: readonly ServicePortRoute[], changed: Set<string>): void {
    for (const { key } of before) {
      if (after.some((route) => route.key === key)) continue
      this.#servicePorts.delete(key)
      changed.add(key)
    }
  }

  #entry(key: string): Entry {
    let entry = this.#entries.get(key)
    if (!entry) this.#entries.set(key, (entry = newEntry(key)))
    return entry
  }
}

const newEntry = (key: string): Entry => ({
  key,
  service: undefined,
  slices: noSlices,
  routes: noRoutes,
  isDirty: false,
})

const noSlices: readonly EndpointSlice[] = []
const noRoutes: readonly ServicePortRoute[] = []

function sliceService(slice: EndpointSlice): string | undefined {
  const name = slice.metadata.labels?.[serviceNameLabel]
  return name === undefined ? undefined : `${slice.metadata.namespace}/${name}`
}

function isOurSlice({ addressType, metadata: { labels } }: EndpointSlice, family: IpFamily): boolean {
  return (
    addressType === family && labels?.[serviceProxyNameLabel] === undefined && labels?.[headlessLabel] === undefined
  )
}
