/** Keeps the status of one ResourceQuota true. */
import type { Kind } from '#api/kind.ts'
import { ResourceQuota } from '#api/resource-quota.ts'
import { isNotFound } from '#api/status-error.ts'
import type { Reconcile, WorkQueue } from '#client/contract.ts'
import type { ControllerDeps } from '../contract.ts'
import { parseKey, refOf } from '../object-key.ts'
import type { OwnedResource } from '../owned-resource.ts'
import { type Contents, countedKinds, desiredQuotaStatus, isSameStatus } from './desired-status.ts'

export interface QuotaSources extends Pick<ControllerDeps, 'client' | 'informers' | 'clock'> {
  readonly quotas: OwnedResource<ResourceQuota>
  /** All that are served. */
  readonly kinds: readonly Kind[]
  readonly queue: () => Pick<WorkQueue, 'addAfter'>
}

/** Pods that should long be gone stop counting without an event. */
const resyncMs = 5 * 60_000

export function reconcileQuotas(sources: QuotaSources): Reconcile {
  return async (key) => {
    const cached = sources.quotas.cache.get(parseKey(key))
    if (!cached) return
    sources.queue().addAfter(key, resyncMs)
    if (!isRight(sources, cached, readCaches(sources, cached))) await count(sources, cached)
  }
}

function isRight({ clock }: QuotaSources, quota: ResourceQuota, contents: readonly Contents[]): boolean {
  return isSameStatus(quota.status, desiredQuotaStatus(quota, contents, clock.nowMs()))
}

function readCaches({ informers, kinds }: QuotaSources, quota: ResourceQuota): Contents[] {
  const { namespace } = quota.metadata
  return countedKinds(quota, kinds).map((kind) => ({ kind, objects: informers.of(kind).list(namespace) }))
}

/**
 * Caches may be of different age, so the server counts: first the quota, then what is there. Whoever adds an object that
 * counts writes the quota with it, so our write is refused when one came between.
 */
async function count(sources: QuotaSources, cached: ResourceQuota): Promise<void> {
  const { client, kinds, quotas, clock } = sources
  try {
    const quota = await client.of(ResourceQuota).get(refOf(cached))
    const { namespace = '' } = quota.metadata
    const list = async (kind: Kind) => ({ kind, objects: (await client.of(kind).list({ namespace })).items })
    const contents = await Promise.all(countedKinds(quota, kinds).map(list))
    if (isRight(sources, quota, contents)) return
    await quotas.updateStatus({ ...quota, status: desiredQuotaStatus(quota, contents, clock.nowMs()) })
  } catch (error) {
    // It goes, and nobody asks any more.
    if (!isNotFound(error)) throw error
  }
}
