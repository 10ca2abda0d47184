/**
 * The Service proxy of one node: watches Services, EndpointSlices and its Node, and keeps a back end in step. Nothing
 * is written before everything is known, so a start never takes away what an earlier run had routed.
 */
import { sliceVersion, withdrawsPods } from '#api/committed-routes.ts'
import { EndpointSlice, triggerTimeAnnotation } from '#api/endpoint-slice.ts'
import { Node } from '#api/node.ts'
import { ServiceCIDR } from '#api/service-cidr.ts'
import { Service } from '#api/service.ts'
import type { Informers } from '#client/create-informers.ts'
import type { IpFamily } from '#lib/ip.ts'
import type { Log } from '#observe/log.ts'
import type { ProxyBackend } from './backend.ts'
import { EarlySlices } from './early-slices.ts'
import type { LocalGaps } from './count-local-gaps.ts'
import type { HealthCheck } from './desired-health-checks.ts'
import { RouteTracker } from './desired-routes.ts'
import type { ConntrackReconciler } from './reconcile-conntrack.ts'
import type { NodePlace } from './select-endpoints.ts'
import { ServiceRanges } from './service-ranges.ts'

export interface ProxyDependencies {
  readonly informers: Pick<Informers, 'of'>
  readonly nodeName: string
  readonly family: IpFamily
  readonly backend: ProxyBackend
  /** Absent: UDP flows of removed endpoints stay until they time out. */
  readonly conntrack?: Pick<ConntrackReconciler, 'reconcile' | 'setServiceCidrs'>
  readonly log: Log
  /** How often to ask whether somebody else changed the rules; 0: never. */
  readonly verifyIntervalMs?: number
  /** Called after each change has been committed to the kernel. */
  readonly onSynced?: (result: SyncResult) => void
  /** Told of all that happens: metrics, health. */
  readonly observers?: readonly ProxyObserver[]
  /** Ranges of Service addresses beside those that ServiceCIDR objects name. */
  readonly serviceCidrs?: readonly string[]
  /**
   * Called when the kernel has all EndpointSlices up to this resourceVersion: at first, and whenever pods leave. Absent:
   * pods end without waiting for this node.
   */
  readonly publish?: (version: number) => void
  /** Absent: EndpointSlices are routed when they are stored. */
  readonly upcomingSlices?: UpcomingSlices
}

/** Calls back for EndpointSlices on their way to the disk. `settled`: it is stored, or will never be. */
export type UpcomingSlices = (listener: (slice: EndpointSlice, version: number, settled: Promise<void>) => void) => void

export interface ProxyObserver {
  /** A change has come in. `triggerTime`: when that happened which it is a consequence of, where the object says so. */
  queued?(kind?: 'service' | 'endpoints', triggerTime?: string): void
  /** What has come in by now is being written: `synced`, `unchanged` or `failed` follows. */
  collecting?(): void
  synced?(result: SyncResult): void
  /** There was nothing to write. */
  unchanged?(): void
  failed?(): void
  /** Somebody else's damage has been made good. */
  repaired?(): void
  /** This proxy's Node; absent when it is gone. */
  nodeChanged?(node: Node | undefined): void
}

export interface SyncResult {
  /** Services that were looked at. */
  readonly services: number
  readonly durationMs: number
  readonly isFull: boolean
  readonly healthChecks: ReadonlyMap<string, HealthCheck>
  readonly localGaps: LocalGaps
  /** Time to look at tracked flows, part of `durationMs`, and how many were deleted. */
  readonly conntrackMs: number
  readonly deletedFlows: number
}

export interface Proxy extends AsyncDisposable {
  /** Resolves when the first complete state is in the kernel. */
  readonly synced: Promise<void>
  /** Resolves when every change known at the time of the call is in the kernel. */
  settled(): Promise<void>
}

const zoneLabel = 'topology.kubernetes.io/zone'
const firstRetryMs = 100
const longestRetryMs = 5_000

export function startProxy(dependencies: ProxyDependencies, signal: AbortSignal): Proxy {
  return new RunningProxy(dependencies, signal)
}

class RunningProxy implements Proxy {
  readonly synced: Promise<void>
  readonly #dependencies: ProxyDependencies
  readonly #tracker: RouteTracker
  readonly #stop = new AbortController()
  readonly #firstSync = Promise.withResolvers<void>()
  #isReady = false
  /** After a failure any service port may differ from what the back end has. */
  #everything = true
  #scheduled: NodeJS.Immediate | undefined
  #running: Promise<void> | undefined
  #retry: NodeJS.Timeout | undefined
  #retryMs = firstRetryMs
  #waiting: (() => void)[] = []
  readonly #ranges: ServiceRanges
  readonly #early = new EarlySlices()
  /** Newest EndpointSlice that was seen; newest one that took pods out; and what was told about. */
  #seenVersion = 0
  #withdrawnVersion = 0
  #publishedVersion = -1

  constructor(dependencies: ProxyDependencies, signal: AbortSignal) {
    const { informers, nodeName, family, verifyIntervalMs = 500 } = dependencies
    this.#dependencies = dependencies
    this.#ranges = new ServiceRanges(family, dependencies.serviceCidrs)
    this.#tracker = new RouteTracker(family, { name: nodeName })
    this.synced = this.#firstSync.promise
    this.#watch()
    this.#watchUpcoming()
    const onAbort = () => this.#end()
    signal.addEventListener('abort', onAbort, { once: true })
    this.#stop.signal.addEventListener('abort', () => signal.removeEventListener('abort', onAbort), { once: true })
    const kinds = [informers.of(Service), informers.of(EndpointSlice), informers.of(Node)]
    void Promise.all(kinds.map((informer) => informer.synced)).then(() => this.#begin(verifyIntervalMs))
    if (signal.aborted) this.#end()
  }

  settled(): Promise<void> {
    if (this.#isReady && !this.#tracker.hasChanges && !this.#running && !this.#everything) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end()
    await this.#running
  }

  #watch(): void {
    const { informers, nodeName } = this.#dependencies
    informers.of(Service).onChange(({ before, after }) => {
      this.#tracker.serviceChanged(before, after)
      this.#tell((observer) => observer.queued?.('service'))
      this.#schedule()
    })
    informers.of(EndpointSlice).onChange(({ before, after }) => {
      this.#noteVersion(before, after)
      if (this.#early.covers({ before, after })) this.#schedule(true)
      else this.#sliceChanged(before, after)
    })
    informers.of(Node).onChange(({ before, after }) => {
      if ((after ?? before)?.metadata.name !== nodeName) return
      this.#tell((observer) => observer.nodeChanged?.(after))
      if (!after) return
      this.#tracker.nodeChanged(placeOf(after))
      this.#schedule()
    })
    informers.of(ServiceCIDR).onChange(({ before, after }) => {
      if (!this.#ranges.changed(before, after)) return
      this.#everything = true
      this.#schedule()
    })
  }

  #sliceChanged(before: EndpointSlice | undefined, after: EndpointSlice | undefined): void {
    this.#tracker.sliceChanged(before, after)
    const isOwn = after?.addressType === this.#dependencies.family
    const triggerTime = isOwn ? newTriggerTime(before, after) : undefined
    this.#tell((observer) => observer.queued?.('endpoints', triggerTime))
    this.#schedule(true)
  }

  /** That they are in the kernel is published when they are stored: only then all before them are known. */
  #watchUpcoming(): void {
    const { informers, upcomingSlices, family } = this.#dependencies
    const stored = informers.of(EndpointSlice)
    upcomingSlices?.((slice, version, settled) => {
      if (slice.addressType !== family || !this.#isReady || this.#stop.signal.aborted) return
      this.#early.give(slice, version)
      this.#sliceChanged(stored.get(slice.metadata), slice)
      // A turn later whoever watches what is stored has heard of it.
      const takeBack = () =>
        setImmediate(() => {
          if (this.#early.takeBack(slice)) this.#sliceChanged(slice, stored.get(slice.metadata))
        })
      settled.then(takeBack, takeBack)
    })
  }

  #tell(what: (observer: ProxyObserver) => void): void {
    for (const observer of this.#dependencies.observers ?? []) what(observer)
  }

  #begin(verifyIntervalMs: number): void {
    if (this.#stop.signal.aborted) return
    this.#isReady = true
    this.#schedule()
    if (verifyIntervalMs === 0) return
    const timer = setInterval(() => this.#verify(), verifyIntervalMs).unref()
    this.#stop.signal.addEventListener('abort', () => clearInterval(timer), { once: true })
  }

  /**
   * All events of this turn of the loop go into one transaction. Urgent ones do not wait for its end: the rest of their
   * batch has been heard of by the next microtask, and pods wait for it, to get connections or to stop.
   */
  #schedule(isUrgent = false): void {
    if (!this.#isReady || this.#running || this.#stop.signal.aborted) return
    if (!this.#everything && !this.#tracker.hasChanges && !this.#mustPublish) {
      // Nobody else is busy, and what came was not for us: slices of headless Services, of other proxies.
      if (!this.#scheduled && !this.#retry) this.#tell((observer) => observer.unchanged?.())
      return
    }
    this.#scheduled ??= setImmediate(() => this.#startSync())
    if (isUrgent) queueMicrotask(() => this.#startSync())
  }

  #startSync(): void {
    if (!this.#scheduled) return
    clearImmediate(this.#scheduled)
    this.#scheduled = undefined
    this.#run(() => this.#sync())
  }

  #run(work: () => Promise<void>): void {
    this.#running = work()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#running = undefined
        if (!this.#retry) this.#schedule()
        if (!this.#scheduled && !this.#retry) this.#wake()
      })
  }

  async #sync(): Promise<void> {
    const { backend, conntrack, onSynced } = this.#dependencies
    const start = performance.now()
    const waiting = this.#everything
    const version = this.#seenVersion
    this.#tell((observer) => observer.collecting?.())
    const { desired, changes } = this.#tracker.collect()
    if (!waiting && changes.services === 0) {
      this.#tell((observer) => observer.unchanged?.())
      return this.#publish(version)
    }
    this.#everything = true
    const ranges = this.#ranges.all
    if (ranges.length > 0) {
      backend.setServiceCidrs(ranges)
      conntrack?.setServiceCidrs(ranges)
    }
    await backend.sync(desired, waiting ? undefined : changes)
    const written = performance.now()
    const deletedFlows = conntrack?.reconcile(desired, waiting ? undefined : changes) ?? 0
    this.#everything = ranges !== this.#ranges.all
    this.#retryMs = firstRetryMs
    this.#firstSync.resolve()
    this.#publish(version)
    const end = performance.now()
    const result: SyncResult = {
      services: changes.services,
      durationMs: end - start,
      isFull: waiting,
      healthChecks: this.#tracker.healthChecks,
      localGaps: this.#tracker.localGaps,
      conntrackMs: end - written,
      deletedFlows,
    }
    onSynced?.(result)
    this.#tell((observer) => observer.synced?.(result))
  }

  #noteVersion(before: EndpointSlice | undefined, after: EndpointSlice | undefined): void {
    if (!after) return
    this.#seenVersion = Math.max(this.#seenVersion, sliceVersion(after))
    if (withdrawsPods(before, after)) this.#withdrawnVersion = this.#seenVersion
  }

  get #mustPublish(): boolean {
    return this.#withdrawnVersion > this.#publishedVersion
  }

  /** Everything up to `version` is in the kernel. Idle clusters and clusters that only grow hear nothing of it. */
  #publish(version: number): void {
    if (!this.#mustPublish) return
    this.#publishedVersion = version
    this.#dependencies.publish?.(version)
  }

  #verify(): void {
    if (this.#running || this.#scheduled || this.#retry || this.#everything) return
    this.#run(async () => {
      if (await this.#dependencies.backend.verify()) {
        this.#tell((observer) => observer.repaired?.())
        this.#dependencies.log.warn({}, 'Repaired Service routes that somebody else had changed')
      }
    })
  }

  #fail(error: unknown): void {
    this.#tell((observer) => observer.failed?.())
    this.#dependencies.log.error({ err: error, retryMs: this.#retryMs }, 'Cannot write Service routes')
    if (this.#stop.signal.aborted) return
    this.#retry = setTimeout(() => {
      this.#retry = undefined
      this.#schedule()
    }, this.#retryMs)
    this.#retryMs = Math.min(this.#retryMs * 2, longestRetryMs)
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  #end(): void {
    this.#stop.abort()
    clearTimeout(this.#retry)
    if (this.#scheduled) clearImmediate(this.#scheduled)
    this.#scheduled = undefined
    this.#wake()
  }
}

/** Only that of a change: other updates carry it along. */
function newTriggerTime(before: EndpointSlice | undefined, after: EndpointSlice | undefined): string | undefined {
  const text = after?.metadata.annotations?.[triggerTimeAnnotation]
  return text === before?.metadata.annotations?.[triggerTimeAnnotation] ? undefined : text
}

function placeOf(node: Node): NodePlace {
  const zone = node.metadata.labels?.[zoneLabel]
  return { name: node.metadata.name, ...(zone !== undefined && { zone }) }
}
