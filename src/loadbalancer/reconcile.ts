/**
 * Makes one Service's load balancer what it should be: gives it addresses, leads them to a node, tries them, and only
 * then puts them into its status; takes everything back when it is no longer wanted.
 */
import type { EndpointSlice } from '#api/endpoint-slice.ts'
import { addressCondition, findCondition, reachableCondition } from '#api/load-balancer-address.ts'
import type { Service } from '#api/service.ts'
import { isNotFound } from '#api/status-error.ts'
import type { EventRecorder, Lister, ResourceClient } from '#client/contract.ts'
import { keyOf, parseKey } from '#client/informer-cache.ts'
import type { Clock } from '#lib/clock.ts'
import type { AddressBook } from './address-book.ts'
import type { AwaitedRoutes } from './awaited-routes.ts'
import type { LoadBalancerNetwork } from './network.ts'
import { hasReadyEndpoints, planProof, refusedForNow, renderVerdict, type Verdict } from './plan-proof.ts'
import {
  announcedIps,
  isRecorded,
  planAddresses,
  planAnnouncement,
  planCleanup,
  planFinding,
  planRecord,
  planRefusal,
  sameIps,
  type StatusPatch,
  unreachable,
} from './plan-status.ts'
import { electTarget, type HeldService, selectTargets } from './plan-targets.ts'
import { proveAddress } from './prove-address.ts'
import {
  familyOf,
  hasFinalizer,
  isEnding,
  isResponsible,
  type NodeView,
  type Responsibility,
  viaTo,
} from './select-wishes.ts'

export interface ReconcilerParts {
  readonly services: Lister<Service>
  readonly requests: Pick<ResourceClient<Service>, 'patchStatus'>
  readonly slicesOf: (key: string) => readonly EndpointSlice[]
  readonly nodes: () => readonly NodeView[]
  readonly book: AddressBook
  readonly awaited: AwaitedRoutes
  /** Absent: addresses are only handed out; somebody else leads traffic to the nodes. */
  readonly network: LoadBalancerNetwork | undefined
  readonly responsibility: Responsibility
  readonly recordEvent: EventRecorder
  readonly clock: Clock
  /** Asks for another look at these keys. */
  readonly wake: (keys: Iterable<string>) => void
}

export class Reconciler {
  readonly #parts: ReconcilerParts
  /** Refused: looked at again whenever an address becomes free. */
  readonly #waiting = new Set<string>()
  /** Version of our last write by key: an older cache is not looked at. */
  readonly #written = new Map<string, number>()

  /** Addresses of these have been led elsewhere, which nobody has told yet. */
  readonly #moved = new Set<string>()
  /** Addresses that refused as nothing was behind them; absent for what an earlier run has tried. */
  readonly #refusing = new Map<string, readonly string[]>()

  constructor(parts: ReconcilerParts) {
    this.#parts = parts
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const { services, responsibility } = this.#parts
    const service = services.get(parseKey(key))
    if (service && Number(service.metadata.resourceVersion) < (this.#written.get(key) ?? 0)) return
    if (!service) this.#forget(key)
    else if (isEnding(service) || !isResponsible(responsibility, service)) await this.#withdraw(key, service)
    else await this.#provide(key, service, signal)
  }

  /** Leads the Service's addresses to where its endpoints are now, at once; all else is for `reconcile`. */
  follow(key: string): void {
    for (const ip of this.#parts.book.ipsOf(key)) if (this.#lead(ip)) this.#moved.add(key)
  }

  /** Takes down what a Service has from an earlier run. */
  adopt(service: Service): void {
    const { book, responsibility } = this.#parts
    if (!isEnding(service) && isResponsible(responsibility, service)) book.adopt(service)
  }

  /** Addresses that lead somewhere but belong to nobody, as after changes while nobody watched. */
  withdrawStrays(): void {
    const { network, book } = this.#parts
    for (const ip of network?.announced() ?? []) if (book.holders(ip).length === 0) network?.announce(ip, undefined)
  }

  async #provide(key: string, cached: Service, signal: AbortSignal): Promise<void> {
    const { book, recordEvent, clock } = this.#parts
    const before = book.ipsOf(key)
    const decision = book.decide(cached)
    this.#freed(key, before)
    if (decision.freesOthers) this.#parts.wake(this.#waiting)
    if (decision.kind === 'refused') return this.#refuse(key, cached, decision)
    this.#waiting.delete(key)
    const { ips } = decision
    let service = cached
    if (!isRecorded(cached, ips)) {
      service = (await this.#write(key, planRecord(cached, ips, clock.nowMs()))) ?? cached
      if (announcedIps(cached).length === 0) {
        recordEvent(cached, 'Normal', 'EnsuringLoadBalancer', 'Ensuring load balancer')
      }
    }
    const moves = ips.map((ip) => this.#lead(ip))
    const hasMoved = this.#moved.delete(key) || moves.includes(true)
    await this.#announce(key, service, { ips, hasMoved }, signal)
  }

  async #announce(
    key: string,
    service: Service,
    { ips, hasMoved }: { readonly ips: readonly string[]; readonly hasMoved: boolean },
    signal: AbortSignal,
  ): Promise<void> {
    const { network, recordEvent, clock } = this.#parts
    const isAnnounced = sameIps(announcedIps(service), ips)
    if (!network) {
      if (!isAnnounced) await this.#write(key, planAddresses(ips))
      return
    }
    if (ips.some((ip) => network.viaOf(ip) === undefined)) return this.#sayNoNode(key, service)
    const reachable = findCondition(service, reachableCondition)
    const isReachable = reachable?.status === 'True' && !this.#mayAnswerNow(key, ips, reachable.reason)
    if (isAnnounced && hasMoved && isReachable) {
      recordEvent(service, 'Normal', 'UpdatedLoadBalancer', 'Updated load balancer with new hosts')
    }
    if (isAnnounced && !hasMoved && isReachable) return
    const verdict = await this.#prove(network, { key, service, ips }, signal)
    await this.#write(key, planAnnouncement(service, ips, verdict, clock.nowMs()))
    if (!isAnnounced) {
      recordEvent(service, 'Normal', 'EnsuredLoadBalancer', `Ensured load balancer: ${verdict.message}`)
    } else if (reachable?.status === 'False') {
      recordEvent(service, 'Normal', 'UpdatedLoadBalancer', `Updated load balancer: ${verdict.message}`)
    }
  }

  /** What refused for want of endpoints is tried again when there are some. */
  #mayAnswerNow(key: string, ips: readonly string[], reason: string): boolean {
    const refusing = this.#refusing.get(key) ?? ips
    return reason === refusedForNow && refusing.some((ip) => hasReadyEndpoints(this.#slicesFor(ip, key)))
  }

  async #prove(
    network: LoadBalancerNetwork,
    { key, service, ips }: { readonly key: string; readonly service: Service; readonly ips: readonly string[] },
    signal: AbortSignal,
  ): Promise<Verdict> {
    const { recordEvent, clock } = this.#parts
    try {
      const verdicts = await Promise.all(ips.map((ip) => this.#proveOne(network, service, ip, signal)))
      const refusing = ips.filter((_, index) => verdicts[index]!.reason === refusedForNow)
      this.#refusing.set(key, refusing)
      const reason = refusing.length > 0 ? refusedForNow : verdicts[0]!.reason
      return { reason, message: verdicts.map(({ message }) => message).join('; ') }
    } catch (error) {
      if (signal.aborted) throw error
      const message = (error as Error).message
      const patch = planFinding(service, unreachable('Unreachable', message), clock.nowMs())
      if (patch) await this.#write(key, patch)
      recordEvent(service, 'Warning', 'SyncLoadBalancerFailed', `Error syncing load balancer: ${message}`)
      throw error
    }
  }

  async #proveOne(network: LoadBalancerNetwork, service: Service, ip: string, signal: AbortSignal): Promise<Verdict> {
    const held = { service, slices: this.#slicesFor(ip, keyOf(service.metadata)) }
    const proof = planProof(held, this.#heldBy(ip), network.dialsFrom(ip))
    const answered = await proveAddress(network, ip, proof, signal)
    const via = network.viaOf(ip)
    const node = this.#parts.nodes().find(({ internalIps }) => via !== undefined && internalIps.includes(via))
    const name = node?.name ?? via ?? 'nobody'
    return renderVerdict(ip, proof, answered, name)
  }

  async #sayNoNode(key: string, service: Service): Promise<void> {
    const { recordEvent, clock } = this.#parts
    const message = 'There are no available nodes for LoadBalancer'
    const patch = planFinding(service, unreachable('NoNode', message), clock.nowMs())
    if (!patch) return
    await this.#write(key, patch)
    recordEvent(service, 'Warning', 'UnAvailableLoadBalancer', message)
  }

  async #refuse(
    key: string,
    service: Service,
    refusal: { readonly reason: string; readonly message: string },
  ): Promise<void> {
    const { recordEvent, clock } = this.#parts
    this.#waiting.add(key)
    const patch = planRefusal(service, refusal, clock.nowMs())
    if (!patch) return
    await this.#write(key, patch)
    const message = `Error syncing load balancer: failed to ensure load balancer: ${refusal.message}`
    recordEvent(service, 'Warning', 'SyncLoadBalancerFailed', message)
  }

  /** Traffic stops before the Service may go, and the address is free only when nobody routes it any more. */
  async #withdraw(key: string, service: Service): Promise<void> {
    const { book, network, recordEvent, responsibility } = this.#parts
    this.#waiting.delete(key)
    const isOurs =
      book.ipsOf(key).length > 0 ||
      findCondition(service, addressCondition) !== undefined ||
      (hasFinalizer(service) && isResponsible(responsibility, service))
    const patch = isOurs ? planCleanup(service) : undefined
    if (!patch) return this.#forget(key)
    recordEvent(service, 'Normal', 'DeletingLoadBalancer', 'Deleting load balancer')
    for (const ip of book.ipsOf(key)) if (book.holders(ip).length === 1) network?.announce(ip, undefined)
    await this.#write(key, patch)
    recordEvent(service, 'Normal', 'DeletedLoadBalancer', 'Deleted load balancer')
    this.#forget(key)
  }

  #forget(key: string): void {
    const { book, services } = this.#parts
    const before = book.ipsOf(key)
    book.release(key)
    this.#waiting.delete(key)
    this.#moved.delete(key)
    this.#refusing.delete(key)
    if (!services.get(parseKey(key))) this.#written.delete(key)
    this.#freed(key, before)
  }

  /** Sees to addresses that the Service has given up, and to those who wait for one. */
  #freed(key: string, before: readonly string[]): void {
    const { book, wake } = this.#parts
    const now = book.ipsOf(key)
    const given = before.filter((ip) => !now.includes(ip))
    for (const ip of given) this.#lead(ip)
    if (given.length > 0 && this.#waiting.size > 0) wake(this.#waiting)
  }

  /** Leads the address to the node that should take its traffic and can. @returns whether it led elsewhere before */
  #lead(ip: string): boolean {
    const { network, nodes, awaited } = this.#parts
    if (!network) return false
    const before = network.viaOf(ip)
    const held = this.#heldBy(ip)
    const able = nodes().filter((node) => viaTo(node, ip) !== undefined)
    const target = held.length > 0 ? electTarget(ip, selectTargets(held, able), before) : undefined
    const via = target && viaTo(target, ip)
    const from = nodes().find(({ internalIps }) => before !== undefined && internalIps.includes(before))
    const slices = held.flatMap((one) => one.slices)
    const move = target && before !== via ? { slices, from: from?.name, to: target.name } : undefined
    if (awaited.mustStay(ip, move)) return false
    network.announce(ip, via)
    return before !== undefined && before !== via
  }

  #heldBy(ip: string): HeldService[] {
    const { book, services } = this.#parts
    return book.holders(ip).flatMap((key) => {
      const service = services.get(parseKey(key))
      return service ? { service, slices: this.#slicesFor(ip, key) } : []
    })
  }

  /** What is behind a Service for those who come by this address. */
  #slicesFor(ip: string, key: string): readonly EndpointSlice[] {
    return this.#parts.slicesOf(key).filter(({ addressType }) => addressType === familyOf(ip))
  }

  /** @returns undefined when the Service has gone meanwhile: then there is nothing left to say */
  async #write(key: string, patch: StatusPatch): Promise<Service | undefined> {
    try {
      const written = await this.#parts.requests.patchStatus(parseKey(key), 'strategic', patch)
      this.#written.set(key, Number(written.metadata.resourceVersion))
      return written
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }
}
