/** Starts the ResourceQuota controller. */
import { canUse, isCounted, isMeasured } from '#api/quota-usage.ts'
import { kinds } from '#api/registry.ts'
import { ResourceQuota } from '#api/resource-quota.ts'
import type { WorkQueue } from '#client/contract.ts'
import { isEqualJson } from '../compare-values.ts'
import type { Controller, ControllerDeps } from '../contract.ts'
import { keyOf } from '../object-key.ts'
import { openResource } from '../owned-resource.ts'
import { startQueue } from '../start-queue.ts'
import { reconcileQuotas } from './reconcile.ts'

/** The server charges with each write; counting again is for what it cannot know, and need not be done for each. */
const recountMs = 1000

export function startResourceQuotaController(deps: ControllerDeps, signal: AbortSignal): Controller {
  const name = 'resource-quota'
  const quotas = openResource(deps, ResourceQuota, signal)
  const counted = kinds.filter(isCounted)
  const caches = counted.map((kind) => deps.informers.of(kind))
  const reconcile = reconcileQuotas({ ...deps, quotas, kinds, queue: () => queue })
  const queue: WorkQueue = startQueue(deps, { name, reconcile, caches }, signal)

  quotas.cache.onChange(({ before, after }) => {
    if (!after) return
    if (before && isEqualJson(before.spec, after.spec)) queue.addAfter(keyOf(after), recountMs)
    else queue.add(keyOf(after))
  })
  for (const [index, kind] of counted.entries()) {
    caches[index]!.onChange(({ before, after }) => {
      if (before && after && !isMeasured(kind)) return
      for (const quota of quotas.cache.list((after ?? before)!.metadata.namespace)) {
        if (Object.keys(quota.spec.hard ?? {}).some((limited) => canUse(kind, limited)))
          queue.addAfter(keyOf(quota), recountMs)
      }
    })
  }
  return { name, idle: () => queue.idle() }
}
