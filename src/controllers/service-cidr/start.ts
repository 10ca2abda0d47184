/** Starts the ServiceCIDR controller: ranges are ready while they live, and outlive the addresses that need them. */
import { IPAddress } from '#api/ip-address.ts'
import { ServiceCIDR } from '#api/service-cidr.ts'
import type { WorkQueue } from '#client/contract.ts'
import { isEqualJson } from '../compare-values.ts'
import type { Controller, ControllerDeps } from '../contract.ts'
import { keyOf, refOf } from '../object-key.ts'
import { openResource } from '../owned-resource.ts'
import { startQueue } from '../start-queue.ts'
import { finalizer, isNeeded, readyCondition } from './desired-cidr.ts'

/** An allocation that began before the deletion may still be under way. */
const graceMs = 10_000

export function startServiceCidrController(deps: ControllerDeps, signal: AbortSignal): Controller {
  const name = 'service-cidr'
  const cidrs = openResource(deps, ServiceCIDR, signal)
  const addresses = deps.informers.of(IPAddress)

  const reconcile = async (key: string) => {
    const cidr = cidrs.cache.get({ name: key })
    if (!cidr) return
    const { deletionTimestamp, finalizers = [], resourceVersion } = cidr.metadata
    if (!deletionTimestamp) {
      const patch = { metadata: { resourceVersion, finalizers: [...finalizers, finalizer] } }
      const guarded = finalizers.includes(finalizer) ? cidr : await cidrs.patch(refOf(cidr), 'merge', patch)
      return writeReady(guarded, false)
    }
    if (!finalizers.includes(finalizer)) return
    if (isNeeded(cidr, cidrs.cache.list(), addresses.list())) return writeReady(cidr, true)
    const waitMs = Date.parse(deletionTimestamp) + graceMs - deps.clock.nowMs()
    if (waitMs > 0) return queue.addAfter(key, waitMs)
    const kept = finalizers.filter((other) => other !== finalizer)
    await cidrs.patch(refOf(cidr), 'merge', { metadata: { resourceVersion, finalizers: kept } })
  }
  const writeReady = async (cidr: ServiceCIDR, isTerminating: boolean) => {
    const others = (cidr.status?.conditions ?? []).filter(({ type }) => type !== 'Ready')
    const conditions = [...others, readyCondition(cidr, isTerminating, deps.clock.nowMs())]
    if (!isEqualJson(conditions, cidr.status?.conditions)) {
      await cidrs.patchStatus(refOf(cidr), 'merge', { status: { conditions } })
    }
  }

  const queue: WorkQueue = startQueue(deps, { name, reconcile, caches: [cidrs.cache, addresses] }, signal)
  const requeueTerminating = () => {
    for (const cidr of cidrs.cache.list()) if (cidr.metadata.deletionTimestamp) queue.add(keyOf(cidr))
  }
  cidrs.cache.onChange(({ after }) => {
    if (after) queue.add(keyOf(after))
    requeueTerminating()
  })
  addresses.onChange(({ after }) => {
    if (!after) requeueTerminating()
  })
  return { name, idle: () => queue.idle() }
}
