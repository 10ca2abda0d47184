/** Deletes tracked UDP flows whose endpoint is gone, also those of Services without endpoints and of deleted Services. */
import { deleteFlow, listFlows } from '#kernel/netlink/conntrack.ts'
import type { Netlink } from '#kernel/netlink/socket.ts'
import { protocolNumber, type DesiredRoutes, type ServicePortRoute } from './backend.ts'
import { frontKey, isStale, servingByFront, udpFronts, type UdpFront } from './select-stale-flows.ts'

/** From so many changed front ends on one listing of all UDP flows is cheaper. */
const maxFilteredListings = 16

export class ConntrackReconciler {
  readonly #socket: Netlink
  readonly #ownRanges: readonly string[]
  #serviceCidrs: readonly string[]
  /** UDP service ports as they were when flows were last looked at; absent before the first time. */
  #known: Map<string, ServicePortRoute> | undefined

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
   * Call after the routes are in the kernel, or a datagram would bring the flow back at once. Without `changed` every
   * flow is looked at. Returns how many flows were deleted.
   */
  reconcile(desired: DesiredRoutes, changed?: ReadonlySet<string>): number {
    const known = this.#known
    if (!known || !changed) return this.#reconcileAll(desired)
    const fronts = new Map<string, UdpFront>()
    const after: ServicePortRoute[] = []
    for (const key of changed) {
      const route = desired.servicePorts.get(key)
      const udp = route?.protocol === 'UDP' ? route : undefined
      const before = known.get(key)
      if (before === udp) continue
      for (const one of [before, udp]) for (const front of one ? udpFronts(one) : []) fronts.set(frontKey(front), front)
      if (udp) after.push(udp)
      if (udp) known.set(key, udp)
      else known.delete(key)
    }
    if (fronts.size === 0) return 0
    if (fronts.size > maxFilteredListings) return this.#reconcileAll(desired)
    return this.#reconcileFronts(desired, [...fronts.values()], after)
  }

  #reconcileAll(desired: DesiredRoutes): number {
    const routes = [...desired.servicePorts].filter(([, route]) => route.protocol === 'UDP')
    this.#known = new Map(routes)
    const serving = servingByFront(this.#known.values())
    const flows = listFlows(this.#socket, { family: desired.family, protocol: protocolNumber.UDP })
    const stale = flows.filter((flow) => isStale(flow, serving, this.#serviceCidrs))
    for (const flow of stale) deleteFlow(this.#socket, flow)
    return stale.length
  }

  #reconcileFronts(desired: DesiredRoutes, fronts: readonly UdpFront[], routes: readonly ServicePortRoute[]): number {
    const serving = servingByFront(routes)
    let deleted = 0
    for (const front of fronts) {
      const allowed = serving.get(frontKey(front))
      const flows = listFlows(this.#socket, {
        family: desired.family,
        protocol: protocolNumber.UDP,
        destinationPort: front.port,
        ...(front.address !== undefined && { destination: front.address }),
      })
      for (const flow of flows) {
        // A front end that now belongs to another service port is judged there.
        if (allowed?.has(flow.replySource) || this.#isAnothers(flow, front)) continue
        deleteFlow(this.#socket, flow)
        deleted++
      }
    }
    return deleted
  }

  /** Node ports are matched by number alone, so flows to a ClusterIP with the same number turn up with them. */
  #isAnothers({ destination }: { readonly destination: string }, front: UdpFront): boolean {
    if (front.address !== undefined) return false
    for (const route of this.#known?.values() ?? []) {
      if (udpFronts(route).some(({ address, port }) => address === destination && port === front.port)) return true
    }
    return false
  }
}
