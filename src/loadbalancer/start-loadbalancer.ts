/** The load balancer of a cluster: gives Services of type LoadBalancer addresses of its pools that lead to their nodes. */
import { sliceVersion, withdrawsPods } from '#api/committed-routes.ts'
import { EndpointSlice } from '#api/endpoint-slice.ts'
import { findCondition, reachableCondition } from '#api/load-balancer-address.ts'
import { Lease } from '#api/lease.ts'
import { Node } from '#api/node.ts'
import { Service } from '#api/service.ts'
import type { Client } from '#client/contract.ts'
import type { Informers } from '#client/create-informers.ts'
import { keyOf, parseKey } from '#client/informer-cache.ts'
import { recordEvents } from '#client/record-events.ts'
import { startWorkers } from '#client/start-workers.ts'
import type { AddressPool } from '#lib/address-pool.ts'
import type { Clock } from '#lib/clock.ts'
import type { Log } from '#observe/log.ts'
import { AddressBook } from './address-book.ts'
import { AwaitedRoutes } from './awaited-routes.ts'
import type { LoadBalancerNetwork } from './network.ts'
import { refusedForNow } from './plan-proof.ts'
import { Reconciler } from './reconcile.ts'
import { type NodeView, ownClass, type Responsibility, viewNode } from './select-wishes.ts'

export interface LoadBalancerOptions {
  readonly client: Client
  /** Of Services, EndpointSlices, Nodes and Leases. */
  readonly informers: Pick<Informers, 'of'>
  readonly pools: readonly AddressPool[]
  /** Absent: somebody else leads traffic for the pools to the nodes, and addresses are announced untried. */
  readonly network?: LoadBalancerNetwork
  /** Default: Services without a class, and those of class `frontdesk.dev/loadbalancer`. */
  readonly responsibility?: Responsibility
  /**
   * Called when addresses are led as all EndpointSlices up to this resourceVersion ask: at first, and whenever pods leave.
   * Absent: pods end without waiting for it.
   */
  readonly publish?: (version: number) => void
  readonly clock: Clock
  readonly log: Log
}

export interface LoadBalancer extends AsyncDisposable {
  /** Resolves when the Services known at the start have been looked at once. */
  readonly synced: Promise<void>
  /** Resolves when nothing waits or runs; delayed retries and Events do not count. */
  idle(): Promise<void>
}

const component = 'frontdesk-loadbalancer'
const serviceNameLabel = 'kubernetes.io/service-name'
/** One that is not reached yet keeps nobody else waiting. */
const concurrency = 32
const backoff = { baseMs: 50, maxMs: 30_000, jitter: 0.2 }

export function startLoadBalancer(options: LoadBalancerOptions, signal: AbortSignal): LoadBalancer {
  const { client, informers, pools, network, publish, clock, log } = options
  const stop = new AbortController()
  const stopping = AbortSignal.any([signal, stop.signal])
  const named = client.named(component)
  const services = informers.of(Service)
  const slices = informers.of(EndpointSlice)
  const nodes = informers.of(Node)
  const leases = informers.of(Lease)
  const caches = [services, slices, nodes, leases]
  const book = new AddressBook(pools)
  const slicesByService = new Map<string, Map<string, EndpointSlice>>()
  let views: readonly NodeView[] = []
  let isReady = false
  let seenVersion = 0
  let mustTell = false
  let timer: NodeJS.Timeout | undefined
  const awaited = new AwaitedRoutes(leases, clock.nowMs)
  const recordEvent = recordEvents({ client, component, clock, log }, stopping)
  const reconciler = new Reconciler({
    services,
    requests: named.of(Service),
    slicesOf: (key) => [...(slicesByService.get(key)?.values() ?? [])],
    nodes: () => views,
    book,
    awaited,
    network,
    responsibility: options.responsibility ?? { className: ownClass, isDefault: true },
    recordEvent,
    clock,
    wake: (keys) => [...keys].forEach((key) => queue.add(key)),
  })
  const queue = startWorkers(
    {
      name: component,
      concurrency,
      backoff,
      log,
      reconcile: (key, aborting) => reconciler.reconcile(key, aborting),
    },
    stopping,
  )
  const look = (key: string): void => {
    if (isReady) queue.add(key)
  }

  /** Not while an address still leads to pods that would then end. */
  const tell = (): void => {
    clearTimeout(timer)
    if (!isReady || stopping.aborted) return
    if (awaited.untilMs !== undefined) {
      timer = setTimeout(followAwaited, Math.max(0, awaited.untilMs - clock.nowMs()))
    } else if (mustTell) {
      mustTell = false
      publish?.(seenVersion)
    }
  }
  stopping.addEventListener('abort', () => clearTimeout(timer), { once: true })
  const followAwaited = (): void => {
    const { ips } = awaited
    if (ips.length === 0) return
    for (const key of ips.flatMap((ip) => [...book.holders(ip)])) {
      reconciler.follow(key)
      look(key)
    }
    tell()
  }
  services.onChange(({ before, after }) => look(keyOf((after ?? before)!.metadata)))
  slices.onChange(({ before, after }) => {
    const keys = new Set<string>()
    for (const slice of [before, after]) {
      if (!slice) continue
      const key = serviceKeyOf(slice)
      if (key === undefined) continue
      keys.add(key)
      const known = slicesByService.get(key) ?? new Map<string, EndpointSlice>()
      if (slice === after) slicesByService.set(key, known.set(slice.metadata.name, slice))
      else if (known.delete(slice.metadata.name) && known.size === 0) slicesByService.delete(key)
    }
    for (const key of keys) {
      if (book.ipsOf(key).length === 0 || !heedsEndpoints(services.get(parseKey(key)))) continue
      if (isReady) reconciler.follow(key)
      look(key)
    }
    if (after) seenVersion = Math.max(seenVersion, sliceVersion(after))
    if (withdrawsPods(before, after)) mustTell = true
    tell()
  })
  leases.onChange(() => followAwaited())
  nodes.onChange(({ before, after }) => {
    // nodes report often, and hardly ever anything that matters here
    if (sameView(before && viewNode(before), after && viewNode(after))) return
    views = nodes.list().flatMap((node) => viewNode(node) ?? [])
    for (const service of services.list()) {
      const key = keyOf(service.metadata)
      if (book.ipsOf(key).length > 0) look(key)
    }
  })

  const begin = async (): Promise<void> => {
    await Promise.all(caches.map((cache) => cache.synced))
    if (stopping.aborted) return
    views = nodes.list().flatMap((node) => viewNode(node) ?? [])
    for (const service of byAge(services.list())) reconciler.adopt(service)
    reconciler.withdrawStrays()
    for (const service of services.list()) reconciler.follow(keyOf(service.metadata))
    isReady = true
    mustTell = true
    tell()
    for (const service of services.list()) queue.add(keyOf(service.metadata))
    await queue.idle()
  }
  return {
    synced: begin(),
    idle: () => queue.idle(),
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await queue[Symbol.asyncDispose]()
      await recordEvent.idle()
    },
  }
}

/** Of two Services that say they have one address the older one is believed. */
function byAge(services: readonly Service[]): Service[] {
  const age = ({ metadata }: Service): string => `${metadata.creationTimestamp ?? ''} ${keyOf(metadata)}`
  return services.toSorted((a, b) => (age(a) < age(b) ? -1 : 1))
}

function serviceKeyOf({ metadata }: EndpointSlice): string | undefined {
  const name = metadata.labels?.[serviceNameLabel]
  return name === undefined ? undefined : `${metadata.namespace}/${name}`
}

const heedsEndpoints = (service: Service | undefined): boolean =>
  service?.spec.externalTrafficPolicy === 'Local' ||
  (service !== undefined && findCondition(service, reachableCondition)?.reason === refusedForNow)

const sameView = (a: NodeView | undefined, b: NodeView | undefined): boolean =>
  a?.name === b?.name && a?.internalIps.join() === b?.internalIps.join() && a?.takesTraffic === b?.takesTraffic
