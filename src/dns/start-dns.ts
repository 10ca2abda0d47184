/** Cluster DNS: a zone that follows the API, served over UDP and TCP; other names from the host's resolvers. */
import { randomInt } from 'node:crypto'
import { EndpointSlice } from '#api/endpoint-slice.ts'
import { Namespace } from '#api/namespace.ts'
import { Service } from '#api/service.ts'
import type { Informers } from '#client/create-informers.ts'
import type { Clock } from '#lib/clock.ts'
import type { Log } from '#observe/log.ts'
import { createAnswerPacket } from './answer-packet.ts'
import { Forwarder } from './forwarder.ts'
import type { Upstream } from './parse-resolv-conf.ts'
import { runExchange } from './run-exchange.ts'
import { serveTcp } from './serve-tcp.ts'
import { serveUdp } from './serve-udp.ts'
import { Zone } from './zone.ts'

export interface DnsOptions {
  /** Of Services, EndpointSlices and Namespaces. Without a connection the last known state goes on being served. */
  readonly informers: Pick<Informers, 'of'>
  /** A bound UDP socket and a bound, not yet listening TCP socket; taken over. */
  readonly udpFd: number
  readonly tcpFd: number
  /** The servers for names outside; asked for before each question. See `openResolvConf`. */
  readonly upstreams: () => readonly Upstream[]
  /** Addresses this server itself answers on: never asked as upstream. */
  readonly ownAddresses: readonly string[]
  readonly clusterDomain: string
  /** Ranges of Services and pods, whose reverse names are never asked for outside. */
  readonly ownRanges: readonly string[]
  readonly clock: Clock
  readonly log: Log
}

/**
 * Resolves when both sockets are served. Cluster names are SERVFAIL until the caches are filled; from then on a change
 * is answered in the tick in which its event arrives.
 */
export async function startDns(options: DnsOptions, signal: AbortSignal): Promise<AsyncDisposable> {
  const { informers, clusterDomain, clock, log } = options
  const zone = new Zone({ domain: clusterDomain, ownRanges: options.ownRanges, clock })
  const isSynced = follow(informers, zone, signal, log)
  const forwarder = new Forwarder({
    upstreams: options.upstreams,
    ownAddresses: options.ownAddresses,
    exchange: runExchange,
    randomId: () => randomInt(0x10000),
    clock,
    log,
  })
  const answer = createAnswerPacket({ zone, forwarder, isSynced, log })
  const stack = new AsyncDisposableStack()
  stack.defer(() => forwarder.stop())
  stack.use(await serveUdp(options.udpFd, answer, log))
  stack.use(await serveTcp(options.tcpFd, answer, log))
  return stack
}

/** Feeds the zone; the result tells whether every cache has been filled. */
function follow(informers: Pick<Informers, 'of'>, zone: Zone, signal: AbortSignal, log: Log): () => boolean {
  const services = informers.of(Service)
  const slices = informers.of(EndpointSlice)
  const namespaces = informers.of(Namespace)
  namespaces.onChange((change) => zone.applyNamespace(change))
  services.onChange((change) => zone.applyService(change))
  slices.onChange((change) => zone.applySlice(change))
  let isSynced = false
  Promise.all([services.synced, slices.synced, namespaces.synced]).then(
    () => {
      isSynced = true
      log.info({ services: services.list().length }, 'Cluster names are served')
    },
    (error: unknown) => {
      if (!signal.aborted) log.error({ err: error }, 'Cannot fill the DNS zone')
    },
  )
  return () => isSynced
}
