/** The next sizes of a Deployment's ReplicaSets. Pure. */
import type { ReplicaSet } from '#api/replica-set.ts'
import { allSets, byAge, desiredReplicasAnnotation, maxReplicasAnnotation } from './replica-set-facts.ts'
import { replicasOf, totalAvailable, totalReplicas } from './replica-set-facts.ts'
import type { Rollout } from './replica-set-facts.ts'
import { rolloutLimits } from './rollout-limits.ts'

export interface Scaling {
  readonly set: ReplicaSet
  readonly replicas: number
}

/** How many pods the new ReplicaSet may have at this moment. */
export function newSetReplicas(rollout: Rollout): number {
  const { replicas, maxSurge } = rolloutLimits(rollout.deployment)
  if (rollout.deployment.spec.strategy?.type === 'Recreate') return replicas
  const current = replicasOf(rollout.newSet)
  const room = replicas + maxSurge - totalReplicas(allSets(rollout))
  return room <= 0 ? current : current + Math.max(0, Math.min(room, replicas - current))
}

/** One step of a rolling update: first the new set grows; only when it cannot do the old ones shrink. */
export function planRollingUpdate(rollout: Rollout): Scaling[] {
  const { newSet } = rollout
  if (newSet) {
    const { replicas } = rolloutLimits(rollout.deployment)
    const target = replicasOf(newSet) > replicas ? replicas : newSetReplicas(rollout)
    if (target !== replicasOf(newSet)) return [{ set: newSet, replicas: target }]
  }
  return shrinkOldSets(rollout)
}

function shrinkOldSets(rollout: Rollout): Scaling[] {
  const { newSet, oldSets } = rollout
  const { replicas, maxUnavailable } = rolloutLimits(rollout.deployment)
  const minAvailable = replicas - maxUnavailable
  const newUnavailable = replicasOf(newSet) - (newSet?.status?.availableReplicas ?? 0)
  const maxShrink = totalReplicas(allSets(rollout)) - minAvailable - newUnavailable
  if (maxShrink <= 0 || totalReplicas(oldSets) === 0) return []
  const sizes = new Map(oldSets.toSorted(byAge).map((set) => [set, replicasOf(set)]))
  removeUnhealthy(sizes, maxShrink)
  removeAvailable(sizes, totalAvailable(allSets(rollout)) - minAvailable)
  return [...sizes].flatMap(([set, size]) => (size === replicasOf(set) ? [] : [{ set, replicas: size }]))
}

/** Old pods that serve nobody go first, and do not count against availability. */
function removeUnhealthy(sizes: Map<ReplicaSet, number>, maxShrink: number): void {
  let left = maxShrink
  for (const [set, size] of sizes) {
    const unhealthy = Math.max(0, size - (set.status?.availableReplicas ?? 0))
    const removed = Math.min(left, unhealthy)
    sizes.set(set, size - removed)
    left -= removed
  }
}

function removeAvailable(sizes: Map<ReplicaSet, number>, surplus: number): void {
  let left = Math.max(0, surplus)
  for (const [set, size] of sizes) {
    const removed = Math.min(left, size)
    sizes.set(set, size - removed)
    left -= removed
  }
}

/** Whether `spec.replicas` was changed since the sets were last sized. */
export function isScalingEvent(rollout: Rollout): boolean {
  const { replicas } = rolloutLimits(rollout.deployment)
  return allSets(rollout).some((set) => {
    const desired = set.metadata.annotations?.[desiredReplicasAnnotation]
    return replicasOf(set) > 0 && desired !== undefined && Number(desired) !== replicas
  })
}

/**
 * Sizes after a change of `spec.replicas`, or while paused: one set takes all, several share in proportion. Sets that
 * keep their size are in the plan too: their annotations must say that they were sized for the new number.
 */
export function planScale(rollout: Rollout): Scaling[] {
  const { deployment, newSet, oldSets } = rollout
  const { replicas, maxSurge } = rolloutLimits(deployment)
  const sets = allSets(rollout)
  const active = sets.filter((set) => replicasOf(set) > 0)
  if (active.length <= 1) {
    const only = active[0] ?? newSet ?? oldSets.toSorted(byAge).at(-1)
    return only ? [{ set: only, replicas }] : []
  }
  if (newSet && isSaturated(newSet, replicas)) {
    return oldSets.filter((set) => replicasOf(set) > 0).map((set) => ({ set, replicas: 0 }))
  }
  if (deployment.spec.strategy?.type === 'Recreate') return active.map((set) => ({ set, replicas: replicasOf(set) }))
  const allowed = replicas > 0 ? replicas + maxSurge : 0
  return planProportional(active, allowed - totalReplicas(sets), replicas + maxSurge)
}

function isSaturated(set: ReplicaSet, replicas: number): boolean {
  const { availableReplicas = 0 } = set.status ?? {}
  const desired = Number(set.metadata.annotations?.[desiredReplicasAnnotation] ?? NaN)
  return replicasOf(set) === replicas && desired === replicas && availableReplicas === replicas
}

function planProportional(active: readonly ReplicaSet[], toAdd: number, maxReplicas: number): Scaling[] {
  const sorted = active.toSorted((a, b) => replicasOf(b) - replicasOf(a) || (toAdd > 0 ? byAge(b, a) : byAge(a, b)))
  const sizes = new Map<ReplicaSet, number>()
  let added = 0
  for (const set of sorted) {
    const share = toAdd === 0 ? 0 : proportion(set, toAdd, added, maxReplicas)
    sizes.set(set, replicasOf(set) + share)
    added += share
  }
  const largest = sorted[0]
  if (largest && toAdd !== 0) sizes.set(largest, Math.max(0, (sizes.get(largest) ?? 0) + toAdd - added))
  return [...sizes].map(([set, size]) => ({ set, replicas: size }))
}

function proportion(set: ReplicaSet, toAdd: number, added: number, maxReplicas: number): number {
  const before = Number(set.metadata.annotations?.[maxReplicasAnnotation] ?? NaN) || replicasOf(set)
  const fraction = Math.round((replicasOf(set) * maxReplicas) / before) - replicasOf(set)
  const left = toAdd - added
  return toAdd > 0 ? Math.min(fraction, left) : Math.max(fraction, left)
}

/** Old sets beyond `revisionHistoryLimit`, lowest revision first, and only when nothing of them runs. */
export function setsToForget(rollout: Rollout, revision: (set: ReplicaSet) => number): ReplicaSet[] {
  const { revisionHistoryLimit = 10 } = rollout.deployment.spec
  const alive = rollout.oldSets.filter(({ metadata }) => !metadata.deletionTimestamp)
  const surplus = alive
    .toSorted((a, b) => revision(a) - revision(b))
    .slice(0, Math.max(0, alive.length - revisionHistoryLimit))
  return surplus.filter(
    ({ metadata, spec, status }) =>
      spec.replicas === 0 &&
      (status?.replicas ?? 0) === 0 &&
      (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0),
  )
}
