/** Moves one Deployment a step towards its template and size. */
import type { Deployment } from '#api/deployment.ts'
import type { Pod } from '#api/pod.ts'
import type { ReplicaSet } from '#api/replica-set.ts'
import { isAlreadyExists, isNotFound } from '#api/status-error.ts'
import type { Reconcile, ResourceClient, WorkQueue } from '#client/contract.ts'
import { claimOwned } from '../claim-owned.ts'
import { isEqualJson } from '../compare-values.ts'
import type { ControllerDeps } from '../contract.ts'
import { isControlledBy } from '../controller-ref.ts'
import { matchesSelector } from '../match-labels.ts'
import { parseKey, refOf } from '../object-key.ts'
import type { ObjectIndex } from '../object-index.ts'
import type { OwnedResource } from '../owned-resource.ts'
import { isStillAlive } from '../owner-lives.ts'
import { isTerminal } from '../pod-state.ts'
import { deadlineCheckMs, desiredDeploymentStatus, hasDeadline } from './desired-status.ts'
import type { StatusInputs } from './desired-status.ts'
import { newReplicaSet, newSetPatch, sizeAnnotations } from './new-replica-set.ts'
import { isScalingEvent, planRollingUpdate, planScale, setsToForget } from './plan-rollout.ts'
import type { Scaling } from './plan-rollout.ts'
import { replicasOf, revisionAnnotation, revisionOf, sortSets, totalReplicas } from './replica-set-facts.ts'
import type { Rollout } from './replica-set-facts.ts'

export interface DeploymentSources extends Pick<ControllerDeps, 'recordEvent' | 'clock'> {
  readonly deployments: OwnedResource<Deployment>
  readonly requests: ResourceClient<Deployment>
  readonly sets: OwnedResource<ReplicaSet>
  readonly setsByController: ObjectIndex<ReplicaSet>
  readonly podsByController: ObjectIndex<Pod>
  readonly queue: () => Pick<WorkQueue, 'addAfter'>
}

type Progress = StatusInputs['progress']

export function reconcileDeployments(sources: DeploymentSources): Reconcile {
  return async (key) => {
    const deployment = sources.deployments.cache.get(parseKey(key))
    if (!deployment) return
    const { matchLabels = {}, matchExpressions = [] } = deployment.spec.selector
    if (Object.keys(matchLabels).length === 0 && matchExpressions.length === 0) {
      const message = 'This deployment is selecting all pods. A non-empty selector is required.'
      return sources.recordEvent(deployment, 'Warning', 'SelectingAll', message)
    }
    await claimSets(sources, deployment)
    if (deployment.metadata.deletionTimestamp) return writeStatus(sources, deployment, { judge: false })
    await roll(sources, deployment)
  }
}

async function claimSets(sources: DeploymentSources, deployment: Deployment): Promise<void> {
  const { namespace = '', uid = '' } = deployment.metadata
  const { selector } = deployment.spec
  const matching = sources.sets.cache
    .list(namespace)
    .filter((set) => !set.metadata.ownerReferences && matchesSelector(selector, set.metadata.labels))
  await claimOwned({
    owner: deployment,
    selector,
    candidates: [...sources.setsByController.get(uid), ...matching],
    resource: sources.sets,
    ownerLives: () => isStillAlive(sources.requests, deployment),
  })
}

/** The Deployment's sets as the cache knows them now, our own writes included. */
function currentRollout(sources: DeploymentSources, deployment: Deployment): Rollout {
  return sortSets(deployment, sources.setsByController.get(deployment.metadata.uid ?? ''))
}

async function roll(sources: DeploymentSources, deployment: Deployment): Promise<void> {
  const before = currentRollout(sources, deployment)
  const isScaling = isScalingEvent(before)
  if (deployment.spec.paused || isScaling) {
    const progress = (await adoptNewSet(sources, before)) ?? pausedProgress(deployment)
    await applyScalings(sources, deployment, planScale(currentRollout(sources, deployment)))
    if (deployment.spec.paused) await forgetOldSets(sources, deployment)
    return writeStatus(sources, deployment, { judge: false, progress })
  }
  const resumed = pausedProgress(deployment)
  const progress = deployment.spec.strategy?.type === 'Recreate' ? recreate : rollingUpdate
  const reached = (await progress(sources, before)) ?? resumed
  if (isFinished(currentRollout(sources, deployment))) await forgetOldSets(sources, deployment)
  await writeStatus(sources, deployment, { judge: true, progress: reached })
}

async function rollingUpdate(sources: DeploymentSources, before: Rollout): Promise<Progress> {
  const progress = await ensureNewSet(sources, before)
  const { deployment } = before
  await applyScalings(sources, deployment, planRollingUpdate(currentRollout(sources, deployment)))
  return progress
}

/** No pod of the new set before the last one of the old sets is gone. */
async function recreate(sources: DeploymentSources, before: Rollout): Promise<Progress> {
  const { deployment, oldSets } = before
  const adopted = await adoptNewSet(sources, before)
  if (totalReplicas(oldSets) > 0) {
    await applyScalings(
      sources,
      deployment,
      oldSets.map((set) => ({ set, replicas: 0 })),
    )
    return adopted
  }
  const oldPods = oldSets.flatMap((set) => sources.podsByController.get(set.metadata.uid ?? ''))
  if (oldPods.some((pod) => !isTerminal(pod))) return adopted
  const progress = await ensureNewSet(sources, before)
  const { newSet } = currentRollout(sources, deployment)
  if (newSet) await applyScalings(sources, deployment, [{ set: newSet, replicas: deployment.spec.replicas ?? 1 }])
  return progress ?? adopted
}

function isFinished({ deployment, newSet, oldSets }: Rollout): boolean {
  const { replicas = 1 } = deployment.spec
  return newSet?.status?.availableReplicas === replicas || (replicas === 0 && totalReplicas(oldSets) === 0)
}

async function ensureNewSet(sources: DeploymentSources, rollout: Rollout): Promise<Progress> {
  return rollout.newSet ? adoptNewSet(sources, rollout) : createNewSet(sources, rollout)
}

/** Brings revision and annotations of an existing new set up to date, and the Deployment's revision with it. */
async function adoptNewSet(sources: DeploymentSources, rollout: Rollout): Promise<Progress> {
  const { deployment, newSet } = rollout
  if (!newSet) return undefined
  const patch = newSetPatch({ ...rollout, newSet })
  const updated = patch ? await sources.sets.patch(refOf(newSet), 'merge', patch) : newSet
  await writeRevision(sources, deployment, updated)
  const isKnown = deployment.status?.conditions?.some(({ type }) => type === 'Progressing')
  if (isKnown || !hasDeadline(deployment)) return undefined
  const message = `Found new replica set "${newSet.metadata.name}"`
  return { status: 'True', reason: 'FoundNewReplicaSet', message }
}

async function createNewSet(sources: DeploymentSources, rollout: Rollout): Promise<Progress> {
  const { deployment } = rollout
  const draft = newReplicaSet(rollout)
  try {
    const created = await sources.sets.create(draft)
    if (replicasOf(created) > 0) recordScaling(sources, deployment, { set: created, replicas: replicasOf(created) }, 0)
    await writeRevision(sources, deployment, created)
    const message = `Created new replica set "${created.metadata.name}"`
    return { status: 'True', reason: 'NewReplicaSetCreated', message }
  } catch (error) {
    if (isAlreadyExists(error)) return avoidCollision(sources, deployment, draft.metadata.name, error)
    const message = `Failed to create new replica set "${draft.metadata.name}": ${String(error)}`
    sources.recordEvent(deployment, 'Warning', 'ReplicaSetCreateError', message)
    const progress = { status: 'False', reason: 'ReplicaSetCreateError', message } as const
    await writeStatus(sources, deployment, { judge: false, progress })
    throw error
  }
}

/** Somebody else's set has our name: the next try hashes to another one. */
async function avoidCollision(
  sources: DeploymentSources,
  deployment: Deployment,
  name: string,
  cause: unknown,
): Promise<never> {
  const { namespace = '' } = deployment.metadata
  const existing = sources.sets.cache.get({ namespace, name })
  if (!existing || !isControlledBy(existing, deployment)) {
    const collisionCount = (deployment.status?.collisionCount ?? 0) + 1
    await writeStatus(sources, deployment, { judge: false, collisionCount })
  }
  throw new Error(`Cannot create ReplicaSet ${name}: the name is taken`, { cause })
}

async function writeRevision(sources: DeploymentSources, deployment: Deployment, newSet: ReplicaSet): Promise<void> {
  const revision = newSet.metadata.annotations?.[revisionAnnotation]
  const current = sources.deployments.cache.get(refOf(deployment)) ?? deployment
  if (revision === undefined || current.metadata.annotations?.[revisionAnnotation] === revision) return
  const patch = { metadata: { annotations: { [revisionAnnotation]: revision } } }
  await sources.deployments.patch(refOf(deployment), 'merge', patch)
}

async function applyScalings(
  sources: DeploymentSources,
  deployment: Deployment,
  scalings: readonly Scaling[],
): Promise<void> {
  const annotations = sizeAnnotations(deployment)
  await Promise.all(
    scalings.map(async (scaling) => {
      const { set, replicas } = scaling
      const before = replicasOf(set)
      const isSized = Object.entries(annotations).every(([key, value]) => set.metadata.annotations?.[key] === value)
      if (before === replicas && isSized) return
      await sources.sets.patch(refOf(set), 'merge', { metadata: { annotations }, spec: { replicas } })
      if (before !== replicas) recordScaling(sources, deployment, scaling, before)
    }),
  )
}

function recordScaling(sources: DeploymentSources, deployment: Deployment, scaling: Scaling, before: number): void {
  const { set, replicas } = scaling
  const direction = replicas > before ? 'up' : 'down'
  const message = `Scaled ${direction} replica set ${set.metadata.name} from ${before} to ${replicas}`
  sources.recordEvent(deployment, 'Normal', 'ScalingReplicaSet', message)
}

function pausedProgress(deployment: Deployment): Progress {
  const reason = deployment.status?.conditions?.find(({ type }) => type === 'Progressing')?.reason
  if (!hasDeadline(deployment) || reason === 'ProgressDeadlineExceeded') return undefined
  if (deployment.spec.paused) {
    return { status: 'Unknown', reason: 'DeploymentPaused', message: 'Deployment is paused' }
  }
  if (reason !== 'DeploymentPaused') return undefined
  return { status: 'Unknown', reason: 'DeploymentResumed', message: 'Deployment is resumed' }
}

async function forgetOldSets(sources: DeploymentSources, deployment: Deployment): Promise<void> {
  const forgotten = setsToForget(currentRollout(sources, deployment), revisionOf)
  await Promise.all(
    forgotten.map((set) =>
      sources.sets.delete(set).catch((error: unknown) => {
        if (!isNotFound(error)) throw error
      }),
    ),
  )
}

interface StatusWrite extends Pick<StatusInputs, 'judge'> {
  readonly progress?: Progress | undefined
  readonly collisionCount?: number
}

async function writeStatus(sources: DeploymentSources, seen: Deployment, write: StatusWrite): Promise<void> {
  const cached = sources.deployments.cache.get(refOf(seen))
  if (!cached || cached.metadata.uid !== seen.metadata.uid) return
  const { judge, progress, collisionCount } = write
  const nowMs = sources.clock.nowMs()
  // The template and size judged are those that were acted on, not newer ones.
  const rollout = currentRollout(sources, { ...seen, status: cached.status ?? {} })
  const status = desiredDeploymentStatus({
    rollout,
    nowMs,
    judge,
    ...(progress && { progress }),
    collisionCount,
  })
  const checkMs = deadlineCheckMs(seen, status, nowMs)
  if (checkMs !== undefined) sources.queue().addAfter(`${seen.metadata.namespace}/${seen.metadata.name}`, checkMs)
  if (!isEqualJson(status, cached.status)) await sources.deployments.updateStatus({ ...cached, status })
}
