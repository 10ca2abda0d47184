/**
 * From Services and EndpointSlices, as a node's proxy watches them, to desired routes. Keeps the objects by Service, so
 * that a change costs what its own Service costs. No clock, no client: changes come in, routes go out.
 */
import type { EndpointSlice } from '#api/endpoint-slice.ts'
import type { Service } from '#api/service.ts'
import type { IpFamily } from '#lib/ip.ts'
import type { DesiredRoutes, ServicePortRoute } from './backend.ts'
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
  service: Service | undefined
  readonly slices: Map<string, EndpointSlice>
  routes: readonly ServicePortRoute[]
}

export class RouteTracker {
  readonly #family: IpFamily
  #node: NodePlace
  readonly #entries = new Map<string, Entry>()
  readonly #dirty = new Set<string>()
  readonly #servicePorts = new Map<string, ServicePortRoute>()

  constructor(family: IpFamily, node: NodePlace) {
    this.#family = family
    this.#node = node
  }

  /** Whether anything waits to be collected. */
  get hasChanges(): boolean {
    return this.#dirty.size > 0
  }

  serviceChanged(before: Service | undefined, after: Service | undefined): void {
    const { namespace, name } = (after ?? before)!.metadata
    const key = `${namespace}/${name}`
    const isOurs = after !== undefined && after.metadata.labels?.[serviceProxyNameLabel] === undefined
    this.#entry(key).service = isOurs ? after : undefined
    this.#dirty.add(key)
  }

  sliceChanged(before: EndpointSlice | undefined, after: EndpointSlice | undefined): void {
    const keyBefore = before && sliceService(before)
    const keyAfter = after && isOurSlice(after, this.#family) ? sliceService(after) : undefined
    if (before && keyBefore !== undefined && keyBefore !== keyAfter) {
      this.#entry(keyBefore).slices.delete(before.metadata.name)
      this.#dirty.add(keyBefore)
    }
    if (after && keyAfter !== undefined) {
      this.#entry(keyAfter).slices.set(after.metadata.name, after)
      this.#dirty.add(keyAfter)
    }
  }

  /** Another zone of the node changes everybody's topology. */
  nodeChanged(node: NodePlace): void {
    if (node.name === this.#node.name && node.zone === this.#node.zone) return
    this.#node = node
    for (const key of this.#entries.keys()) this.#dirty.add(key)
  }

  /** The routes as they should be now, and which of them differ from the last call. */
  collect(): RouteChange {
    const changed = new Set<string>()
    for (const key of this.#dirty) this.#collectService(key, changed)
    this.#dirty.clear()
    return { desired: { family: this.#family, servicePorts: this.#servicePorts }, changed }
  }

  #collectService(key: string, changed: Set<string>): void {
    const entry = this.#entry(key)
    const { service, slices } = entry
    const routes = service ? desiredServicePorts(this.#family, service, slices.values(), this.#node) : []
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
    if (!service && slices.size === 0) this.#entries.delete(key)
  }

  #entry(key: string): Entry {
    let entry = this.#entries.get(key)
    if (!entry) this.#entries.set(key, (entry = { service: undefined, slices: new Map(), routes: [] }))
    return entry
  }
}

function sliceService(slice: EndpointSlice): string | undefined {
  const name = slice.metadata.labels?.[serviceNameLabel]
  return name === undefined ? undefined : `${slice.metadata.namespace}/${name}`
}

function isOurSlice({ addressType, metadata: { labels } }: EndpointSlice, family: IpFamily): boolean {
  return (
    addressType === family && labels?.[serviceProxyNameLabel] === undefined && labels?.[headlessLabel] === undefined
  )
}
