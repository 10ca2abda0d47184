/** What a proxy does, under the names that kube-proxy uses. */
import type { Metrics } from '#observe/metrics.ts'
import type { IpFamily } from '#lib/ip.ts'
import { isExternallyAccessible, type DesiredRoutes } from './backend.ts'
import type { ProxyObserver, SyncResult } from './start-proxy.ts'

const buckets = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20]
const byFamily = { labels: ['ip_family'], buckets } as const

export class ProxyMetrics implements ProxyObserver {
  readonly #family: { readonly ip_family: IpFamily }
  readonly #instruments: ReturnType<typeof instrumentsOf>
  #desired: DesiredRoutes | undefined

  constructor(metrics: Metrics, family: IpFamily) {
    this.#family = { ip_family: family }
    this.#instruments = instrumentsOf(metrics)
    for (const counter of ['failures', 'repairs', 'deletedFlows'] as const) {
      this.#instruments[counter].add(0, this.#family)
    }
  }

  queued(kind?: 'service' | 'endpoints'): void {
    const { lastQueued, serviceChanges, endpointChanges } = this.#instruments
    lastQueued.set(Date.now() / 1000, this.#family)
    if (kind) (kind === 'service' ? serviceChanges : endpointChanges).add(1)
  }

  synced(result: SyncResult): void {
    const { sync, fullSync, partialSync, lastSynced, reconcile, deletedFlows } = this.#instruments
    const seconds = result.durationMs / 1000
    sync.observe(seconds, this.#family)
    const kind = result.isFull ? fullSync : partialSync
    kind.observe(seconds, this.#family)
    lastSynced.set(Date.now() / 1000, this.#family)
    reconcile.observe(result.conntrackMs / 1000, this.#family)
    deletedFlows.add(result.deletedFlows, this.#family)
    this.#desired = result.desired
  }

  failed(): void {
    this.#instruments.failures.add(1, this.#family)
  }

  repaired(): void {
    this.#instruments.repairs.add(1, this.#family)
  }

  answered(path: 'healthz' | 'livez', status: number): void {
    this.#instruments[path].add(1, { code: String(status) })
  }

  /** Figures that nobody needs between two scrapes. */
  refresh(): void {
    const without = { internal: 0, external: 0 }
    for (const route of this.#desired?.servicePorts.values() ?? []) {
      if (route.local.length > 0 || route.cluster.length === 0) continue
      if (route.internalPolicy === 'Local') without.internal++
      if (route.externalPolicy === 'Local' && isExternallyAccessible(route)) without.external++
    }
    for (const [policy, count] of Object.entries(without)) {
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
    failures: metrics.counter(name('sync_proxy_rules_nftables_sync_failures_total'), 'Syncs that failed', family),
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
