/** Everything one thread needs to answer: a zone, who asks, the ways out. Fed with changes, without sockets of its own. */
import type { EndpointSlice } from '#api/endpoint-slice.ts'
import type { Namespace } from '#api/namespace.ts'
import type { Pod } from '#api/pod.ts'
import type { Service } from '#api/service.ts'
import type { Clock } from '#lib/clock.ts'
import type { Log } from '#observe/log.ts'
import { AnswerMemo } from './answer-memo.ts'
import { type AnswerPacket, createAnswerPacket } from './answer-packet.ts'
import { Askers } from './askers.ts'
import { Forwarder, type ForwarderOptions } from './forwarder.ts'
import { SearchOutside } from './search-outside.ts'
import { type Change, Zone } from './zone.ts'

export interface EngineOptions extends Pick<ForwarderOptions, 'upstreams' | 'ownAddresses' | 'exchange' | 'randomId'> {
  readonly clusterDomain: string
  readonly ownRanges: readonly string[]
  /** Whether a pod's search ends at its first question where that is certain. */
  readonly endsSearches: boolean
  /** Asked for whenever a pod is new: it has those of that moment. */
  readonly hostSearches: () => readonly string[]
  readonly clock: Clock
  readonly log: Log
}

export type ZoneEvent =
  | { readonly kind: 'Service'; readonly change: Change<Service> }
  | { readonly kind: 'EndpointSlice'; readonly change: Change<EndpointSlice> }
  | { readonly kind: 'Namespace'; readonly change: Change<Namespace> }
  | { readonly kind: 'Pod'; readonly change: Change<Pod> }
  /** The caches are filled: what is missing now does not exist. */
  | { readonly kind: 'synced' }

export interface Engine {
  readonly zone: Zone
  readonly askers: Askers
  readonly memo: AnswerMemo
  readonly answer: AnswerPacket
  apply(event: ZoneEvent): void
  stop(): void
}

export function createEngine(options: EngineOptions): Engine {
  const { clusterDomain, ownRanges, clock, log } = options
  const zone = new Zone({ domain: clusterDomain, ownRanges, clock })
  const askers = new Askers(options)
  const memo = new AnswerMemo()
  const forwarder = new Forwarder(options)
  const searchOutside = new SearchOutside({ forwarder, clock })
  let isSynced = false
  const answer = createAnswerPacket({ zone, forwarder, searchOutside, isSynced: () => isSynced, memo, log })
  const apply = (event: ZoneEvent): void => {
    switch (event.kind) {
      case 'Service':
        return zone.applyService(event.change)
      case 'EndpointSlice':
        return zone.applySlice(event.change)
      case 'Namespace':
        return zone.applyNamespace(event.change)
      case 'Pod':
        return askers.apply(event.change)
      case 'synced':
        isSynced = true
        return
      default:
        event satisfies never
    }
  }
  return { zone, askers, memo, answer, apply, stop: () => forwarder.stop() }
}
