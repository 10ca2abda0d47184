/** Requests in numbers, by the names and labels that Kubernetes gives them. */
import { type Kind, resourceName } from '#api/kind.ts'
import type { ApiRequest, ApiResponse } from '#api/wire.ts'
import type { Gauge, Labels, Metrics } from '#observe/metrics.ts'
import type { ObjectStore } from './objects/open-object-store.ts'
import type { RequestInfo, ResourceInfo } from './request/parse-request-info.ts'

export interface RequestMetrics {
  /** @param info undefined when nobody could say what the request is about */
  measure(request: ApiRequest, info: RequestInfo | undefined, answer: () => Promise<ApiResponse>): Promise<ApiResponse>
}

/** Kubernetes' own, and two for what takes less than 5 ms here. */
const secondsBuckets = [
  0.001, 0.0025, 0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
]
const labelNames = ['verb', 'dry_run', 'group', 'version', 'resource', 'subresource', 'scope', 'component']
const verbs: Readonly<Record<ResourceInfo['verb'], string>> = {
  get: 'GET',
  list: 'LIST',
  watch: 'WATCH',
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETECOLLECTION',
}
const applyTypes = ['application/apply-patch+yaml', 'application/apply-patch+cbor']

/** @param isServed whether there is such a resource: others have no labels of their own, or anybody could make series */
export function createRequestMetrics(
  metrics: Metrics | undefined,
  isServed: (info: ResourceInfo) => boolean,
): RequestMetrics {
  if (!metrics) return { measure: (_request, _info, answer) => answer() }
  const total = metrics.counter('apiserver_request_total', 'Requests answered', [...labelNames, 'code'])
  const duration = metrics.histogram('apiserver_request_duration_seconds', 'Time until the answer begins', {
    labels: labelNames,
    buckets: secondsBuckets,
  })
  const inFlight = new InFlight(
    metrics.gauge('apiserver_current_inflight_requests', 'Requests being answered', ['request_kind']),
  )
  metrics.beforeExpose(() => inFlight.tell())
  return {
    measure: async (request, info, answer) => {
      const begunMs = performance.now()
      const labels = labelsOf(request, info?.type === 'resource' && !isServed(info) ? undefined : info)
      const kind = request.method === 'GET' || request.method === 'HEAD' ? 'readOnly' : 'mutating'
      inFlight.counts[kind]++
      try {
        const response = await answer()
        total.add(1, { ...labels, code: String(response.status) })
        if (labels['verb'] !== 'WATCH') duration.observe((performance.now() - begunMs) / 1000, labels)
        return response
      } finally {
        inFlight.counts[kind]--
      }
    },
  }
}

/** How many objects there are of each kind. */
export function countStored(metrics: Metrics | undefined, objects: ObjectStore, kinds: readonly Kind[]): void {
  if (!metrics) return
  const stored = metrics.gauge('apiserver_storage_objects', 'Objects that are stored', ['resource'])
  metrics.beforeExpose(() => {
    for (const kind of kinds) stored.set(objects.list(kind).length, { resource: resourceName(kind) })
  })
}

class InFlight {
  readonly counts = { readOnly: 0, mutating: 0 }
  readonly #gauge: Gauge

  constructor(gauge: Gauge) {
    this.#gauge = gauge
  }

  tell(): void {
    for (const [kind, count] of Object.entries(this.counts)) this.#gauge.set(count, { request_kind: kind })
  }
}

export function labelsOf({ method, query, headers }: ApiRequest, info: RequestInfo | undefined): Labels {
  const about = info?.type === 'resource' ? info : undefined
  return {
    verb: about ? verbOf(about, headers) : method,
    dry_run: query.get('dryRun') === 'All' ? 'All' : '',
    group: about?.group ?? '',
    version: about?.version ?? '',
    resource: about?.resource ?? '',
    subresource: about?.subresource ?? '',
    scope: about ? scopeOf(about) : '',
    component: 'apiserver',
  }
}

function verbOf({ verb }: ResourceInfo, headers: ApiRequest['headers']): string {
  const type = headers['content-type']?.split(';')[0]?.trim() ?? ''
  return verb === 'patch' && applyTypes.includes(type) ? 'APPLY' : verbs[verb]
}

function scopeOf({ name, namespace, verb }: ResourceInfo): string {
  if (name !== undefined || verb === 'create') return 'resource'
  return namespace === undefined ? 'cluster' : 'namespace'
}
