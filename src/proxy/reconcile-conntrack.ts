/** Deletes tracked UDP flows whose endpoint is gone, also those of Services without endpoints and of deleted Services. */
import { deleteFlow, type Flow, listFlows } from '#kernel/netlink/conntrack.ts'
import type { Netlink } from '#kernel/netlink/socket.ts'
import type { IpFamily } from '#lib/ip.ts'
import { protocolNumber, type DesiredRoutes, type RouteChange, type ServicePortRoute } from './backend.ts'
import {
  frontKey,
  isStale,
  planStaleSearch,
  servingByFront,
  type StaleSearch,
  udpFronts,
} from './select-stale-flows.ts'

/** From so many listings on one of all UDP flows is cheaper. */
const maxFilteredListings = 16

export class ConntrackReconciler {
  readonly #socket: Netlink
  readonly #ownRanges: readonly string[]
  #serviceCidrs: readonly string[]
  /** Whether all flows have been looked at, and only changes matter since. */
  #hasBegun = false
  #serving = new Map<string, Set<string>>()

  constructor(socket: Netlink, serviceCidrs: readonly string[]) {
    this.#socket = socket
    this.#ownRanges = serviceCidrs
    this.#serviceCidrs = serviceCidrs
  }

  /** Beside those that it was made with. */
  setServiceCidrs(serviceCidrs: readonly string[]): void {
    this.#serviceCidrs = [...new Set([...this.#ownRanges, ...serviceCidrs])]
  }

  /**
   * Call after the routes are in the kernel, or a datagram would bring the flow back at once. Without `changes` every
   * flow is looked at; else only what the changes can have made stale. Returns how many flows were deleted.
   */
  reconcile(desired: DesiredRoutes, changes?: Iterable<RouteChange>): number {
    if (!this.#hasBegun || !changes) return this.#reconcileAll(desired)
    const search: StaleSearch = { gone: new Set(), fronts: new Map() }
    const now: ServicePortRoute[] = []
    for (const change of changes) {
      const [before, after] = [ifUdp(change.before), ifUdp(change.after)]
      if (!before && !after) continue
      planStaleSearch(search, before, after)
      for (const front of before ? udpFronts(before) : []) this.#serving.delete(frontKey(front))
      if (after) now.push(after)
    }
    // After all deletions: a front end may have gone from one service port to another.
    for (const [front, serving] of servingByFront(now)) this.#serving.set(front, serving)
    const listings = search.gone.size + search.fronts.size
    if (listings > maxFilteredListings) return this.#reconcileAll(desired)
    return listings === 0 ? 0 : this.#deleteStale(desired.family, search)
  }

  #reconcileAll({ family, routes }: DesiredRoutes): number {
    this.#serving = servingByFront(udpOnly(routes))
    this.#hasBegun = true
    return this.#delete(listFlows(this.#socket, { family, protocol: protocolNumber.UDP }))
  }

  #deleteStale(family: IpFamily, { gone, fronts }: StaleSearch): number {
    const common = { family, protocol: protocolNumber.UDP }
    let deleted = 0
    for (const replySource of gone) deleted += this.#delete(listFlows(this.#socket, { ...common, replySource }))
    for (const { address: destination, port: destinationPort } of fronts.values()) {
      const filter = { ...common, destinationPort, ...(destination !== undefined && { destination }) }
      deleted += this.#delete(listFlows(this.#socket, filter))
    }
    return deleted
  }

  /** Those that are stale, of these. */
  #delete(flows: readonly Flow[]): number {
    const stale = flows.filter((flow) => isStale(flow, this.#serving, this.#serviceCidrs))
    for (const flow of stale) deleteFlow(this.#socket, flow)
    return stale.length
  }
}

const ifUdp = (route: ServicePortRoute | undefined): ServicePortRoute | undefined =>
  route?.protocol === 'UDP' ? route : undefined

function* udpOnly(routes: Iterable<ServicePortRoute>): Generator<ServicePortRoute> {
  for (const route of routes) if (route.protocol === 'UDP') yield route
}
