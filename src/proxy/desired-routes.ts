/**
 * From Services and EndpointSlices, as a node's proxy watches them, to desired routes. Keeps the objects by Service, so
 * that a change costs what its own Service costs. No clock, no client: changes come in, routes go out.
 */
import type { EndpointSlice } from '#api/endpoint-slice.ts'
import type { Service } from '#api/service.ts'
import type { IpFamily } from '#lib/ip.ts'
import type { DesiredRoutes, ServicePortRoute } from './backend.ts'
import { desiredHealthCheck, sameHealthCheck, type HealthCheck } from './desired-health-checks.ts'
import { desiredServicePorts } from './desired-service-ports.ts'
import type { NodePlace } from './select-endpoints.ts'

/** Somebody else's business: another proxy handles these objects. */
const serviceProxyNameLabel = 'service.kubernetes.io/service-proxy-name'
const headlessLabel = 'service.kubernetes.io/headless'
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
  readonly slices: EndpointSlice[]
  routes: readonly ServicePortRoute[]
}

export class RouteTracker {
  readonly #family: IpFamily
  #node: NodePlace
  readonly #entries = new Map<string, Entry>()
  readonly #dirty = new Set<Entry>()
  readonly #servicePorts = new Map<string, ServicePortRoute>()
  readonly #healthChecks = new Map<string, HealthCheck>()

  constructor(family: IpFamily, node: NodePlace) {
    this.#family = family
    this.#node = node
  }

  /** Whether anything waits to be collected. */
  get hasChanges(): boolean {
    return this.#dirty.size > 0
  }

  /** By `namespace/name`, as of the last `collect`. */
  get healthChecks(): ReadonlyMap<string, HealthCheck> {
    return this.#healthChecks
  }

  serviceChanged(before: Service | undefined, after: Service | undefined): void {
    const { namespace, name } = (after ?? before)!.metadata
    const isOurs = after !== undefined && after.metadata.labels?.[serviceProxyNameLabel] === undefined
    const entry = this.#entry(`${namespace}/${name}`)
    entry.service = isOurs ? after : undefined
    this.#dirty.add(entry)
  }

  sliceChanged(before: EndpointSlice | undefined, after: EndpointSlice | undefined): void {
    const keyBefore = before && sliceService(before)
    const keyAfter = after && isOurSlice(after, this.#family) ? sliceService(after) : undefined
    if (before && keyBefore !== undefined && keyBefore !== keyAfter) this.#putSlice(keyBefore, before, undefined)
    if (after && keyAfter !== undefined) this.#putSlice(keyAfter, after, after)
  }

  /** Another zone of the node changes everybody's topology. */
  nodeChanged(node: NodePlace): void {
    if (node.name === this.#node.name && node.zone === this.#node.zone) return
    this.#node = node
    for (const entry of this.#entries.values()) this.#dirty.add(entry)
  }

  /** The routes as they should be now, and which of them differ from the last call. */
  collect(): RouteChange {
    const changed = new Set<string>()
    for (const entry of this.#dirty) this.#collectService(entry, changed)
    this.#dirty.clear()
    return { desired: { family: this.#family, servicePorts: this.#servicePorts }, changed }
  }

  #putSlice(key: string, { metadata: { name } }: EndpointSlice, slice: EndpointSlice | undefined): void {
    const entry = this.#entry(key)
    const { slices } = entry
    const place = slices.findIndex((one) => one.metadata.name === name)
    if (place < 0) slices.push(...(slice ? [slice] : []))
    else slices.splice(place, 1, ...(slice ? [slice] : []))
    this.#dirty.add(entry)
  }

  #collectService(entry: Entry, changed: Set<string>): void {
    const { service, slices } = entry
    const routes = service ? desiredServicePorts(this.#family, service, slices, this.#node) : noRoutes
    for (const { key: old } of entry.routes) {
      if (routes.some((route) => route.key === old)) continue
      this.#servicePorts.delete(old)
      changed.add(old)
    }
    for (const route of routes) {
      this.#servicePorts.set(route.key, route)
      changed.add(route.key)
    }
    entry.routes = routes
    const check = service && routes.length > 0 ? desiredHealthCheck(service, slices, this.#node.name) : undefined
    if (!check) this.#healthChecks.delete(entry.key)
    else if (!sameHealthCheck(check, this.#healthChecks.get(entry.key))) this.#healthChecks.set(entry.key, check)
    if (!service && slices.length === 0) this.#entries.delete(entry.key)
  }

  #entry(key: string): Entry {
    let entry = this.#entries.get(key)
    if (!entry) this.#entries.set(key, (entry = { key, service: undefined, slices: [], routes: noRoutes }))
    return entry
  }
}

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
