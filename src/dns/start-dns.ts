/** Cluster DNS: a zone that follows the API, served over UDP and TCP; other names from the host's resolvers. */
import { randomInt } from 'node:crypto'
import { EndpointSlice } from '#api/endpoint-slice.ts'
import { Namespace } from '#api/namespace.ts'
import type { Pod } from '#api/pod.ts'
import { Service } from '#api/service.ts'
import type { Informer } from '#client/contract.ts'
import type { Informers } from '#client/create-informers.ts'
import type { Clock } from '#lib/clock.ts'
import type { Log } from '#observe/log.ts'
import { createEngine, type Engine, type ZoneEvent } from './engine.ts'
import type { Upstream } from './parse-resolv-conf.ts'
import { runExchange } from './run-exchange.ts'
import { serveTcp } from './serve-tcp.ts'
import { serveUdp } from './serve-udp.ts'

export interface DnsOptions {
  /** Of Services, EndpointSlices and Namespaces. Without a connection the last known state goes on being served. */
  readonly informers: Pick<Informers, 'of'>
  /** Who asks: for metrics, and for ending searches early. Absent: nobody is known. */
  readonly pods?: Pick<Informer<Pod>, 'onChange'>
  /** Opens a bound UDP socket (all of them on one place), which is taken over. */
  readonly openUdp: () => Promise<number>
  /** A bound, not yet listening TCP socket; taken over. */
  readonly tcpFd: number
  /** The servers for a name outside; asked for before each question. See `openResolvConf`. */
  readonly upstreams: (name: string) => readonly Upstream[]
  /** Addresses this server itself answers on: never asked as upstream. */
  readonly ownAddresses: readonly string[]
  readonly clusterDomain: string
  /** Ranges of Services and pods, whose reverse names are never asked for outside. */
  readonly ownRanges: readonly string[]
  /** Whether a pod's search ends at its first question where that is certain (default); needs `pods`. */
  readonly endsSearches?: boolean
  /** The search domains that pods inherit from the host. */
  readonly hostSearches?: readonly string[]
  readonly clock: Clock
  readonly log: Log
}

export interface Dns extends AsyncDisposable {
  readonly engine: Engine
}

/**
 * Resolves when both sockets are served. Cluster names are SERVFAIL until the caches are filled; from then on a change
 * is answered in the tick in which its event arrives.
 */
export async function startDns(options: DnsOptions, signal: AbortSignal): Promise<Dns> {
  const { informers, pods, log, endsSearches = true, hostSearches = [] } = options
  const randomId = (): number => randomInt(0x10000)
  const engine = createEngine({ ...options, endsSearches, hostSearches, exchange: runExchange, randomId })
  const stack = new AsyncDisposableStack()
  stack.defer(() => engine.stop())
  follow({ informers, pods, log }, engine.apply, signal)
  stack.use(serveUdp(await options.openUdp(), { ...engine, log }))
  stack.use(await serveTcp(options.tcpFd, { ...engine, log }))
  return { engine, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

interface Sources {
  readonly informers: Pick<Informers, 'of'>
  readonly pods: DnsOptions['pods']
  readonly log: Log
}

/** Hands on every change in the tick in which it comes. */
function follow({ informers, pods, log }: Sources, apply: (event: ZoneEvent) => void, signal: AbortSignal): void {
  const services = informers.of(Service)
  const slices = informers.of(EndpointSlice)
  const namespaces = informers.of(Namespace)
  namespaces.onChange((change) => apply({ kind: 'Namespace', change }))
  services.onChange((change) => apply({ kind: 'Service', change }))
  slices.onChange((change) => apply({ kind: 'EndpointSlice', change }))
  pods?.onChange((change) => apply({ kind: 'Pod', change }))
  Promise.all([services.synced, slices.synced, namespaces.synced]).then(
    () => {
      apply({ kind: 'synced' })
      log.info({ services: services.list().length }, 'Cluster names are served')
    },
    (error: unknown) => {
      if (!signal.aborted) log.error({ err: error }, 'Cannot fill the DNS zone')
    },
  )
}
