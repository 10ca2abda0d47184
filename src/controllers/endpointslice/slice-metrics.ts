/** What the EndpointSlice controller does, under the names that Kubernetes uses. */
import type { EndpointSlice } from '#api/endpoint-slice.ts'
import type { Service } from '#api/service.ts'
import type { Labels, Metrics } from '#observe/metrics.ts'
import type { DesiredEndpoints } from './desired-endpoints.ts'
import { endpointKey } from './endpoint-key.ts'
import type { SlicePlan } from './plan-slices.ts'
import { wantsZoneHints } from './topology-mode.ts'

export interface SliceSync {
  readonly service: Service
  readonly existing: readonly EndpointSlice[]
  readonly desired: readonly DesiredEndpoints[]
  readonly plan: SlicePlan
}

export interface SliceMetrics {
  synced(key: string, sync: SliceSync): void
  failed(): void
  /** The Service is no longer ours. */
  forget(key: string): void
}

interface Figures {
  readonly endpoints: number
  readonly slices: number
  readonly desiredSlices: number
  readonly trafficDistribution: string | undefined
}

const name = (rest: string): string => `endpoint_slice_controller_${rest}`
const buckets = Array.from({ length: 15 }, (_, power) => 2 ** (power + 1))
const maxEndpointsPerSlice = 100

export function createSliceMetrics(metrics: Metrics | undefined): SliceMetrics {
  if (!metrics) return { synced: () => {}, failed: () => {}, forget: () => {} }
  const services = new Map<string, Figures>()
  const added = metrics.histogram(name('endpoints_added_per_sync'), 'Endpoints added in a sync', { buckets })
  const removed = metrics.histogram(name('endpoints_removed_per_sync'), 'Endpoints removed in a sync', { buckets })
  const changed = metrics.histogram(name('endpointslices_changed_per_sync'), 'EndpointSlices written in a sync', {
    labels: ['topology', 'traffic_distribution'],
    buckets,
  })
  const changes = metrics.counter(name('changes'), 'EndpointSlices written', ['operation'])
  const syncs = metrics.counter(name('syncs'), 'Syncs of a Service', ['result'])
  tellTotals(metrics, services)
  return {
    synced: (key, sync) => {
      const { service, plan } = sync
      services.set(key, figuresOf(sync))
      syncs.add(1, { result: 'success' })
      const difference = countDifference(sync)
      added.observe(difference.added)
      removed.observe(difference.removed)
      changed.observe(plan.create.length + plan.update.length + plan.delete.length, topologyOf(service))
      for (const operation of ['create', 'update', 'delete'] as const) {
        if (plan[operation].length > 0) changes.add(plan[operation].length, { operation })
      }
    },
    failed: () => syncs.add(1, { result: 'error' }),
    forget: (key) => void services.delete(key),
  }
}

function tellTotals(metrics: Metrics, services: ReadonlyMap<string, Figures>): void {
  const endpoints = metrics.gauge(name('endpoints_desired'), 'Endpoints that there should be')
  const slices = metrics.gauge(name('num_endpoint_slices'), 'EndpointSlices that there are')
  const desiredSlices = metrics.gauge(name('desired_endpoint_slices'), 'EndpointSlices if all were packed full')
  const label = 'traffic_distribution'
  const distributions = metrics.gauge(name('services_count_by_traffic_distribution'), 'Services that ask for it', [
    label,
  ])
  metrics.beforeExpose(() => {
    const all = [...services.values()]
    const sum = (field: 'endpoints' | 'slices' | 'desiredSlices') => all.reduce((total, one) => total + one[field], 0)
    endpoints.set(sum('endpoints'))
    slices.set(sum('slices'))
    desiredSlices.set(sum('desiredSlices'))
    for (const wanted of ['PreferClose', 'PreferSameZone', 'PreferSameNode']) {
      distributions.set(all.filter((one) => one.trafficDistribution === wanted).length, { [label]: wanted })
    }
  })
}

function figuresOf({ service, existing, desired, plan }: SliceSync): Figures {
  const groups = desired.flatMap((family) => [...family.groups.values()])
  const full = groups.reduce((total, group) => total + Math.ceil(group.endpoints.length / maxEndpointsPerSlice), 0)
  const placeholders = desired.filter((family) => family.groups.size === 0).length
  return {
    endpoints: groups.reduce((total, group) => total + group.endpoints.length, 0),
    slices: existing.length + plan.create.length - plan.delete.length,
    desiredSlices: full + placeholders,
    trafficDistribution: service.spec.trafficDistribution,
  }
}

function topologyOf(service: Service): Labels {
  const isAuto = wantsZoneHints(service)
  const distribution = isAuto ? undefined : service.spec.trafficDistribution
  return { topology: isAuto ? 'Auto' : 'Disabled', traffic_distribution: distribution ?? '' }
}

/** An endpoint that moves from one slice to another is neither added nor removed. */
export function countDifference({ existing, plan }: Pick<SliceSync, 'existing' | 'plan'>): {
  readonly added: number
  readonly removed: number
} {
  const written = new Set(plan.update.map(({ metadata }) => metadata.name))
  const before = keysOf([...existing.filter(({ metadata }) => written.has(metadata.name)), ...plan.delete])
  const after = keysOf([...plan.update, ...plan.create])
  return { added: after.difference(before).size, removed: before.difference(after).size }
}

function keysOf(slices: readonly Pick<EndpointSlice, 'endpoints'>[]): Set<string> {
  return new Set(slices.flatMap(({ endpoints }) => (endpoints ?? []).map(endpointKey)))
}
