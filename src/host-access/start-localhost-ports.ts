/**
 * Load balancers on the host's 127.0.0.1, for any user: every port gets one there, which stays its own (the Service's
 * status remembers it) and which an Event names.
 */
import {
  findCondition,
  localhostCondition,
  localhostPorts,
  type LocalhostPort,
  renderLocalhostPorts,
} from '#api/load-balancer-address.ts'
import { Service } from '#api/service.ts'
import { isNotFound } from '#api/status-error.ts'
import type { Client, EventRecorder } from '#client/contract.ts'
import type { Informers } from '#client/create-informers.ts'
import { keyOf, parseKey } from '#client/informer-cache.ts'
import { startWorkers } from '#client/start-workers.ts'
import type { Clock } from '#lib/clock.ts'
import {
  desiredLocalhost,
  foreignPorts,
  localhost,
  type LocalhostWish,
  renderLocalhostUrls,
  wishKey,
} from './plan-localhost.ts'
import type { ForwardContext, Listener } from './run-forwards.ts'
import { serveTcpForward } from './serve-tcp-forward.ts'
import { serveUdpForward } from './serve-udp-forward.ts'

export interface LocalhostOptions {
  /** To remember ports in the status of Services. */
  readonly client: Client
  readonly informers: Pick<Informers, 'of'>
  readonly recordEvent: EventRecorder
  readonly context: ForwardContext
  readonly clock: Clock
}

interface Open {
  readonly hostPort: number
  readonly wish: LocalhostWish
  readonly listener: Listener
}

const backoff = { baseMs: 500, maxMs: 60_000, jitter: 0.5 }
const isTaken = (error: unknown): boolean =>
  ['EADDRINUSE', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')

export interface LocalhostPorts {
  /** Resolves when nothing waits or runs. */
  idle(): Promise<void>
}

/** Until the signal aborts. */
export function startLocalhostPorts(options: LocalhostOptions, signal: AbortSignal): LocalhostPorts {
  const services = options.informers.of(Service)
  const ports = new Localhost(options)
  const reconcile = async (key: string): Promise<void> => {
    // Before all are known, one might take the port by which another is remembered.
    await services.synced
    await ports.reconcile(key, services.get(parseKey(key)), services.list())
  }
  const queue = startWorkers({ name: 'localhost-ports', reconcile, backoff, log: options.context.log }, signal)
  services.onChange(({ before, after }) => queue.add(keyOf((after ?? before)!.metadata)))
  signal.addEventListener('abort', () => ports.close(), { once: true })
  return { idle: () => queue.idle() }
}

class Localhost {
  readonly #options: LocalhostOptions
  #isClosed = false
  readonly #open = new Map<string, Map<string, Open>>()

  constructor(options: LocalhostOptions) {
    this.#options = options
  }

  async reconcile(key: string, service: Service | undefined, all: readonly Service[]): Promise<void> {
    const wishes = service ? desiredLocalhost(service, foreignPorts(all, service)) : []
    const open = this.#open.get(key) ?? new Map<string, Open>()
    this.#closeOthers(open, wishes)
    for (const wish of wishes) {
      if (!open.has(wishKey(wish))) open.set(wishKey(wish), await this.#listen(wish))
    }
    if (this.#isClosed) return open.forEach(({ listener }) => listener.stopListening())
    if (open.size > 0) this.#open.set(key, open)
    else this.#open.delete(key)
    if (service) await this.#remember(service, [...open.values()])
  }

  close(): void {
    this.#isClosed = true
    for (const open of this.#open.values()) for (const { listener } of open.values()) listener.stopListening()
    this.#open.clear()
  }

  #closeOthers(open: Map<string, Open>, wishes: readonly LocalhostWish[]): void {
    for (const [key, { wish, listener }] of open) {
      const isWanted = wishes.some((one) => wishKey(one) === key && one.target.address === wish.target.address)
      if (isWanted) continue
      listener.stopListening()
      open.delete(key)
    }
  }

  async #listen(wish: LocalhostWish): Promise<Open> {
    const serve = wish.protocol === 'TCP' ? serveTcpForward : serveUdpForward
    let failure: unknown
    for (const hostPort of wish.candidates) {
      const forward = { protocol: wish.protocol, listen: { address: localhost, port: hostPort }, target: wish.target }
      try {
        return { hostPort, wish, listener: await serve(forward, this.#options.context) }
      } catch (error) {
        if (!isTaken(error)) throw error
        failure = error
      }
    }
    throw new Error(`Cannot find a free port on ${localhost} for port ${wishKey(wish)}`, { cause: failure })
  }

  async #remember(service: Service, open: readonly Open[]): Promise<void> {
    const ports = open.map(({ hostPort, wish: { port, protocol } }): LocalhostPort => ({ hostPort, port, protocol }))
    if (renderLocalhostPorts(localhostPorts(service)) === renderLocalhostPorts(ports)) return
    const { recordEvent, clock } = this.#options
    const lastTransitionTime = new Date(clock.nowMs()).toISOString().replace(/\.\d+Z$/, 'Z')
    const condition = {
      type: localhostCondition,
      status: 'True',
      reason: 'Listening',
      message: renderLocalhostPorts(ports),
      lastTransitionTime: findCondition(service, localhostCondition)?.lastTransitionTime ?? lastTransitionTime,
    }
    const isWritten = await this.#write(
      service,
      ports.length > 0 ? condition : { $patch: 'delete', type: localhostCondition },
    )
    if (!isWritten || ports.length === 0) return
    recordEvent(service, 'Normal', 'LocalhostPorts', `On this machine: ${renderLocalhostUrls(service, ports)}`)
  }

  /** @returns false when the Service has gone meanwhile */
  async #write({ metadata }: Service, condition: object): Promise<boolean> {
    const services = this.#options.client.of(Service)
    try {
      await services.patchStatus(parseKey(keyOf(metadata)), 'strategic', { status: { conditions: [condition] } })
      return true
    } catch (error) {
      if (isNotFound(error)) return false
      throw error
    }
  }
}
