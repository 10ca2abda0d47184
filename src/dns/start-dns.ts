/** Cluster DNS: a zone that follows the API, served over UDP and TCP; other names from the host's resolvers. */
import { setTimeout as sleep } from 'node:timers/promises'
import { EndpointSlice } from '#api/endpoint-slice.ts'
import { Namespace } from '#api/namespace.ts'
import type { Pod } from '#api/pod.ts'
import { Service } from '#api/service.ts'
import type { ChangeHandler, Informer, ObjectRef } from '#client/contract.ts'
import type { Informers } from '#client/create-informers.ts'
import { closeAll } from '#kernel/libc-process.ts'
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
import { UdpSockets } from './udp-sockets.ts'

export interface DnsOptions {
  readonly settings: ServerSettings
  /** Of Services, EndpointSlices and Namespaces. Without a connection the last known state goes on being served. */
  readonly informers: Pick<Informers, 'of'>
  /** Who asks: for metrics, and for ending searches early. */
  readonly pods: Pick<Informer<Pod>, 'onChange' | 'list' | 'get'>
  /** Bound UDP sockets, all on one place; taken over. Each may get a thread of its own when there are many queries. */
  readonly udpFds: readonly number[]
  /** A bound TCP socket; taken over. */
  readonly tcpFd: number
  /** So long queries wait in the sockets for the caches to be filled; then cluster names are SERVFAIL until they are. */
  readonly patienceMs?: number
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
  /** Queries are read. */
  readonly served: Promise<void>
  /** In Prometheus' text format, of all threads. */
  renderMetrics(): Promise<string>
}

const defaultQueriesPerThread = 30_000

const defaultPatienceMs = 2_000

/**
 * Queries are read once the caches are filled: whoever asks while one server follows another waits a little in the
 * sockets, instead of being told SERVFAIL. From then on a change is answered in the tick in which its event arrives.
 */
export function startDns(options: DnsOptions, signal: AbortSignal): Dns {
  const { settings, log } = options
  const sources = sourcesOf(options)
  const engine = openEngine(settings, log)
  const stack = new AsyncDisposableStack()
  stack.defer(() => engine.stop())
  const sockets: UdpSockets = stack.use(
    new UdpSockets(options.udpFds, (fd) => serveUdp(fd, { ...engine, log, onBatch: (count) => watchLoad(count) })),
  )
  const threads = stack.use(new DnsThreads({ settings, sockets, snapshot: () => snapshotOf(sources), log }))
  follow(sources, engine.apply, (item) => threads.feed(item))
  if (options.publish) tellCommitted(options.informers.of(EndpointSlice), options.publish)
  const watchLoad = loadWatcher(options, threads)
  const ended = new AbortController()
  stack.defer(() => ended.abort())
  const served = untilFilled(options, untilSynced(options, engine, signal), ended.signal).then(async () => {
    if (ended.signal.aborted) return closeAll([options.tcpFd])
    sockets.begin()
    stack.use(await serveTcp(options.tcpFd, { ...engine, log }))
  })
  const renderMetrics = async (): Promise<string> => {
    const { askers } = engine
    return renderQueryMetrics([...askers.list(), askers.nobody, ...(await threads.counts())])
  }
  return { engine, threads, served, renderMetrics, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

async function untilFilled(
  { patienceMs = defaultPatienceMs }: DnsOptions,
  synced: Promise<void>,
  ended: AbortSignal,
): Promise<void> {
  const timer = sleep(patienceMs, undefined, { signal: ended, ref: false }).catch(() => {})
  await Promise.race([synced, timer])
}

/** Told about batches, it adds a thread whenever this one has more to do in a second than it should. */
function loadWatcher(options: DnsOptions, threads: DnsThreads): (count: number) => void {
  const { udpFds, queriesPerThread = defaultQueriesPerThread, log } = options
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
    if (!isBusy || isAdding || threads.size + 1 >= udpFds.length) return
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

function untilSynced({ informers, log }: DnsOptions, engine: Engine, signal: AbortSignal): Promise<void> {
  const services = informers.of(Service)
  return Promise.all([services.synced, informers.of(EndpointSlice).synced, informers.of(Namespace).synced]).then(
    () => {
      engine.apply({ kind: 'synced' })
      log.info({ services: services.list().length }, 'Cluster names are served')
    },
    (error: unknown) => {
      if (!signal.aborted) log.error({ err: error }, 'Cannot fill the DNS zone')
    },
  )
}
