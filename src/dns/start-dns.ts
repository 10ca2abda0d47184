/** Cluster DNS: a zone that follows the API, served over UDP and TCP; other names from the host's resolvers. */
import { EndpointSlice } from '#api/endpoint-slice.ts'
import { Namespace } from '#api/namespace.ts'
import type { Pod } from '#api/pod.ts'
import { Service } from '#api/service.ts'
import type { ChangeHandler, Informer, ObjectRef } from '#client/contract.ts'
import type { Informers } from '#client/create-informers.ts'
import type { Log } from '#observe/log.ts'
import type { Engine, ZoneEvent } from './engine.ts'
import type { FeedItem } from './object-feed.ts'
import { openEngine, type ServerSettings } from './open-engine.ts'
import { renderQueryMetrics } from './render-query-metrics.ts'
import { selectZoneFields, type ZoneObjects } from './select-zone-fields.ts'
import { serveTcp } from './serve-tcp.ts'
import { serveUdp } from './serve-udp.ts'
import { DnsThreads } from './start-threads.ts'
import { tellCommitted } from './tell-committed.ts'

export interface DnsOptions {
  readonly settings: ServerSettings
  /** Of Services, EndpointSlices and Namespaces. Without a connection the last known state goes on being served. */
  readonly informers: Pick<Informers, 'of'>
  /** Who asks: for metrics, and for ending searches early. */
  readonly pods: Pick<Informer<Pod>, 'onChange' | 'list' | 'get'>
  /** Opens a bound UDP socket, which is taken over; several may be asked for, all on one place. */
  readonly openUdp: () => Promise<number>
  /** A bound, not yet listening TCP socket; taken over. */
  readonly tcpFd: number
  /** How many threads may answer; more than one do when there are many queries. */
  readonly maxThreads?: number
  /** How many queries in a second one thread is thought to manage with ease. */
  readonly queriesPerThread?: number
  /**
   * Called when names are answered from all EndpointSlices up to this resourceVersion: at first, and whenever pods leave.
   * Absent: pods end without waiting for it.
   */
  readonly publish?: (version: number) => void
  readonly log: Log
}

export interface Dns extends AsyncDisposable {
  readonly engine: Engine
  readonly threads: Pick<DnsThreads, 'size'>
  /** In Prometheus' text format, of all threads. */
  renderMetrics(): Promise<string>
}

const defaultQueriesPerThread = 30_000

/**
 * Resolves when both sockets are served. Cluster names are SERVFAIL until the caches are filled; from then on a change
 * is answered in the tick in which its event arrives.
 */
export async function startDns(options: DnsOptions, signal: AbortSignal): Promise<Dns> {
  const { settings, openUdp, log } = options
  const sources = sourcesOf(options)
  const engine = openEngine(settings, log)
  await using stack = new AsyncDisposableStack()
  stack.defer(() => engine.stop())
  const threads = stack.use(new DnsThreads({ settings, openUdp, snapshot: () => snapshotOf(sources), log }))
  follow(sources, engine.apply, (item) => threads.feed(item))
  if (options.publish) tellCommitted(options.informers.of(EndpointSlice), options.publish)
  untilSynced(options, engine, signal)
  stack.use(serveUdp(await openUdp(), { ...engine, log, onBatch: watchLoad(options, threads) }))
  stack.use(await serveTcp(options.tcpFd, { ...engine, log }))
  const started = stack.move()
  const renderMetrics = async (): Promise<string> => {
    const { askers } = engine
    return renderQueryMetrics([...askers.list(), askers.nobody, ...(await threads.counts())])
  }
  return { engine, threads, renderMetrics, [Symbol.asyncDispose]: () => started.disposeAsync() }
}

/** Told about batches, it adds a thread whenever this one has more to do in a second than it should. */
function watchLoad(options: DnsOptions, threads: DnsThreads): (count: number) => void {
  const { maxThreads = 1, queriesPerThread = defaultQueriesPerThread, log } = options
  let seen = 0
  let sinceMs = performance.now()
  let isAdding = false
  return (count) => {
    seen += count
    if (seen < queriesPerThread) return
    const nowMs = performance.now()
    const isBusy = nowMs - sinceMs < 1000
    seen = 0
    sinceMs = nowMs
    if (!isBusy || isAdding || threads.size + 1 >= maxThreads) return
    isAdding = true
    threads
      .add()
      .catch((error: unknown) => log.error({ err: error }, 'Cannot add a DNS thread'))
      .finally(() => (isAdding = false))
  }
}

interface Source<T> {
  onChange(handler: ChangeHandler<T>): void
  list(): readonly T[]
  get(ref: ObjectRef): T | undefined
}

type Sources = { readonly [K in keyof ZoneObjects]: Source<ZoneObjects[K]> }

function sourcesOf({ informers, pods }: DnsOptions): Sources {
  return {
    Namespace: informers.of(Namespace),
    Service: informers.of(Service),
    EndpointSlice: informers.of(EndpointSlice),
    Pod: pods,
  }
}

/** Hands on every change in the tick in which it comes. */
function follow(sources: Sources, apply: (event: ZoneEvent) => void, feed: (item: FeedItem) => void): void {
  for (const kind of Object.keys(sources) as (keyof ZoneObjects)[]) {
    sources[kind].onChange((change: { before?: unknown; after?: unknown }) => {
      apply({ kind, change } as ZoneEvent)
      feed(itemOf(kind, change.before as never, change.after as never))
    })
  }
}

function itemOf<K extends keyof ZoneObjects>(
  kind: K,
  before: ZoneObjects[K] | undefined,
  after: ZoneObjects[K] | undefined,
): FeedItem {
  const { name, namespace } = (after ?? before)!.metadata
  return { kind, ref: { name, namespace }, object: after && selectZoneFields[kind](after) } as FeedItem
}

/** An object that changes while this goes on is told about twice, in the right order. */
function* snapshotOf(sources: Sources): Iterable<FeedItem> {
  for (const kind of Object.keys(sources) as (keyof ZoneObjects)[]) {
    const source = sources[kind]
    for (const { metadata } of source.list()) {
      const { name, namespace } = metadata
      const object = source.get({ name, ...(namespace !== undefined && { namespace }) })
      if (object) yield itemOf(kind, undefined, object)
    }
  }
}

function untilSynced({ informers, log }: DnsOptions, engine: Engine, signal: AbortSignal): void {
  const services = informers.of(Service)
  Promise.all([services.synced, informers.of(EndpointSlice).synced, informers.of(Namespace).synced]).then(
    () => {
      engine.apply({ kind: 'synced' })
      log.info({ services: services.list().length }, 'Cluster names are served')
    },
    (error: unknown) => {
      if (!signal.aborted) log.error({ err: error }, 'Cannot fill the DNS zone')
    },
  )
}
