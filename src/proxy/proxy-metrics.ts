/** What a proxy does, under the names that kube-proxy uses. */
import type { Metrics } from '#observe/metrics.ts'
import type { IpFamily } from '#lib/ip.ts'
import { noLocalGaps } from './count-local-gaps.ts'
import type { ProxyObserver, SyncResult } from './start-proxy.ts'

const buckets = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20]
const byFamily = { labels: ['ip_family'], buckets } as const
/** What happened is told in whole seconds. */
const programmingBuckets = [0.25, 0.5, 1, 2, 3, 4, 5, 10, 20, 30, 60, 120, 300]
const changeKinds = ['service', 'endpoints'] as const
type ChangeKind = (typeof changeKinds)[number]

export class ProxyMetrics implements ProxyObserver {
  readonly #family: { readonly ip_family: IpFamily }
  readonly #instruments: ReturnType<typeof instrumentsOf>
  #localGaps = noLocalGaps
  /** Changes that have come in, and how many of those are being written. */
  readonly #pending = { service: 0, endpoints: 0 }
  readonly #collected = { service: 0, endpoints: 0 }
  /** When that happened which waits to be written. */
  #triggerTimes: string[] = []
  #collectedTimes: readonly string[] = []
  /** Not told to the instruments yet: every proxy of a machine hears of every change, before the first one writes rules. */
  readonly #untold = { service: 0, endpoints: 0 }
  #lastQueuedMs = 0
  readonly #startMs: number

  constructor(metrics: Metrics, family: IpFamily, startMs = Date.now()) {
    this.#startMs = startMs
    this.#family = { ip_family: family }
    this.#instruments = instrumentsOf(metrics)
    metrics.beforeExpose(() => this.#refresh())
    for (const counter of ['failures', 'cleanupFailures', 'repairs', 'deletedFlows'] as const) {
      this.#instruments[counter].add(0, this.#family)
    }
  }

  queued(kind?: ChangeKind, triggerTime?: string): void {
    this.#lastQueuedMs = Date.now()
    if (triggerTime !== undefined) this.#triggerTimes.push(triggerTime)
    if (!kind) return
    this.#pending[kind]++
    this.#untold[kind]++
  }

  collecting(): void {
    Object.assign(this.#collected, this.#pending)
    this.#collectedTimes = [...this.#collectedTimes, ...this.#triggerTimes.splice(0)]
  }

  /** Nothing that has come in was for this proxy. */
  unchanged(): void {
    this.collecting()
    this.#collectedTimes = []
    this.#written()
  }

  synced(result: SyncResult): void {
    this.#written()
    this.#observeProgramming()
    const { sync, fullSync, partialSync, lastSynced, reconcile, deletedFlows } = this.#instruments
    const seconds = result.durationMs / 1000
    sync.observe(seconds, this.#family)
    const kind = result.isFull ? fullSync : partialSync
    kind.observe(seconds, this.#family)
    lastSynced.set(Date.now() / 1000, this.#family)
    reconcile.observe(result.conntrackMs / 1000, this.#family)
    deletedFlows.add(result.deletedFlows, this.#family)
    this.#localGaps = result.localGaps
  }

  /** What was collected waits again. */
  failed(): void {
    this.#instruments.failures.add(1, this.#family)
  }

  #written(): void {
    for (const kind of changeKinds) {
      this.#pending[kind] -= this.#collected[kind]
      this.#collected[kind] = 0
    }
  }

  /** What happened before this proxy counted says nothing about it. */
  #observeProgramming(): void {
    const nowMs = Date.now()
    for (const text of this.#collectedTimes) {
      const ms = Date.parse(text)
      if (ms > this.#startMs) this.#instruments.programming.observe((nowMs - ms) / 1000, this.#family)
    }
    this.#collectedTimes = []
  }

  repaired(): void {
    this.#instruments.repairs.add(1, this.#family)
  }

  answered(path: 'healthz' | 'livez', status: number): void {
    this.#instruments[path].add(1, { code: String(status) })
  }

  /** Figures that nobody needs between two scrapes. */
  #refresh(): void {
    const { lastQueued, serviceChanges, endpointChanges, servicePending, endpointPending } = this.#instruments
    if (this.#lastQueuedMs > 0) lastQueued.set(this.#lastQueuedMs / 1000, this.#family)
    serviceChanges.add(this.#untold.service)
    endpointChanges.add(this.#untold.endpoints)
    Object.assign(this.#untold, { service: 0, endpoints: 0 })
    servicePending.set(this.#pending.service)
    endpointPending.set(this.#pending.endpoints)
    for (const [policy, count] of Object.entries(this.#localGaps)) {
      this.#instruments.noLocalEndpoints.set(count, { ...this.#family, traffic_policy: policy })
    }
  }
}

function instrumentsOf(metrics: Metrics) {
  const family = ['ip_family']
  const name = (rest: string) => `kubeproxy_${rest}`
  return {
    sync: metrics.histogram(name('sync_proxy_rules_duration_seconds'), 'Time of a sync', byFamily),
    fullSync: metrics.histogram(name('sync_full_proxy_rules_duration_seconds'), 'Time of a sync of all', byFamily),
    partialSync: metrics.histogram(
      name('sync_partial_proxy_rules_duration_seconds'),
      'Time of a sync of what changed',
      byFamily,
    ),
    lastSynced: metrics.gauge(name('sync_proxy_rules_last_timestamp_seconds'), 'When rules were last written', family),
    lastQueued: metrics.gauge(
      name('sync_proxy_rules_last_queued_timestamp_seconds'),
      'When a change last came',
      family,
    ),
    serviceChanges: metrics.counter(name('sync_proxy_rules_service_changes_total'), 'Changes of Services'),
    endpointChanges: metrics.counter(name('sync_proxy_rules_endpoint_changes_total'), 'Changes of EndpointSlices'),
    servicePending: metrics.gauge(name('sync_proxy_rules_service_changes_pending'), 'Changes of Services that wait'),
    endpointPending: metrics.gauge(
      name('sync_proxy_rules_endpoint_changes_pending'),
      'Changes of EndpointSlices that wait',
    ),
    programming: metrics.histogram(
      name('network_programming_duration_seconds'),
      'From what an EndpointSlice was written for (its last-change-trigger-time) until the kernel has it',
      { labels: family, buckets: programmingBuckets },
    ),
    failures: metrics.counter(name('sync_proxy_rules_nftables_sync_failures_total'), 'Syncs that failed', family),
    cleanupFailures: metrics.counter(
      name('sync_proxy_rules_nftables_cleanup_failures_total'),
      'Always 0: what is stale goes with each sync, whose failures are counted as such',
      family,
    ),
    noLocalEndpoints: metrics.gauge(
      name('sync_proxy_rules_no_local_endpoints_total'),
      'Service ports with policy Local and no endpoint on this node',
      ['ip_family', 'traffic_policy'],
    ),
    reconcile: metrics.histogram(name('conntrack_reconciler_sync_duration_seconds'), 'Time to look at flows', byFamily),
    deletedFlows: metrics.counter(name('conntrack_reconciler_deleted_entries_total'), 'Flows deleted', family),
    healthz: metrics.counter(name('proxy_healthz_total'), 'Answers of /healthz', ['code']),
    livez: metrics.counter(name('proxy_livez_total'), 'Answers of /livez', ['code']),
    repairs: metrics.counter(
      'frontdesk_proxy_repairs_total',
      'Repairs of rules that somebody else had changed',
      family,
    ),
  }
}
