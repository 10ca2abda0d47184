/** Keeps as many pods of one ReplicaSet as it asks for. */
import type { Pod } from '#api/pod.ts'
import type { ReplicaSet } from '#api/replica-set.ts'
import { isForbidden, isNotFound } from '#api/status-error.ts'
import type { Reconcile, ResourceClient, WorkQueue } from '#client/contract.ts'
import { claimOwned } from '../claim-owned.ts'
import { isEqualJson } from '../compare-values.ts'
import type { ControllerDeps } from '../contract.ts'
import { controllerOf } from '../controller-ref.ts'
import { parseKey, refOf } from '../object-key.ts'
import type { ObjectIndex } from '../object-index.ts'
import type { OwnedResource } from '../owned-resource.ts'
import { isStillAlive } from '../owner-lives.ts'
import { podFromTemplate } from '../pod-from-template.ts'
import { isActive, nextAvailabilityMs } from '../pod-state.ts'
import type { SelectedPods } from '../selected-pods.ts'
import { slowStart } from '../slow-start.ts'
import { desiredReplicaSetStatus, terminatingPods } from './desired-status.ts'
import type { ReplicaSetStatusInputs } from './desired-status.ts'
import { selectVictims } from './select-victims.ts'

export interface ReplicaSetSources extends Pick<ControllerDeps, 'recordEvent' | 'clock'> {
  readonly sets: OwnedResource<ReplicaSet>
  readonly requests: ResourceClient<ReplicaSet>
  readonly pods: OwnedResource<Pod>
  readonly podsByController: ObjectIndex<Pod>
  readonly setsByController: ObjectIndex<ReplicaSet>
  readonly selectPods: SelectedPods
  readonly queue: () => Pick<WorkQueue, 'addAfter'>
}

type Failure = ReplicaSetStatusInputs['failure']

/** At most so many pods are made or removed before the status is written and the set looked at again. */
const burstReplicas = 500

export function reconcileReplicaSets(sources: ReplicaSetSources): Reconcile {
  return async (key) => {
    const set = sources.sets.cache.get(parseKey(key))
    if (!set) return
    const pods = await claimPods(sources, set)
    const outcome = set.metadata.deletionTimestamp ? {} : await scale(sources, set, pods.filter(isActive))
    await writeStatus(sources, set, outcome.failure)
    const { minReadySeconds = 0 } = set.spec ?? {}
    const nextMs = nextAvailabilityMs(podsOf(sources, set).filter(isActive), minReadySeconds, sources.clock.nowMs())
    if (nextMs !== undefined) sources.queue().addAfter(key, nextMs)
    if (outcome.error !== undefined) throw outcome.error
  }
}

function podsOf({ podsByController }: ReplicaSetSources, set: ReplicaSet): readonly Pod[] {
  return podsByController.get(set.metadata.uid ?? '')
}

async function claimPods(sources: ReplicaSetSources, set: ReplicaSet): Promise<readonly Pod[]> {
  const { selector } = set.spec ?? {}
  const matching = selector ? sources.selectPods(set.metadata.namespace ?? '', selector) : []
  return claimOwned({
    owner: set,
    selector,
    candidates: [...podsOf(sources, set), ...matching.filter(isActive)],
    resource: sources.pods,
    ownerLives: () => isStillAlive(sources.requests, set),
  })
}

interface Outcome {
  readonly failure?: NonNullable<Failure>
  readonly error?: unknown
}

async function scale(sources: ReplicaSetSources, set: ReplicaSet, active: readonly Pod[]): Promise<Outcome> {
  const missing = (set.spec?.replicas ?? 1) - active.length
  if (missing > 0) return createPods(sources, set, Math.min(missing, burstReplicas))
  if (missing < 0) return deletePods(sources, set, selectSurplus(sources, set, active))
  return {}
}

async function createPods(sources: ReplicaSetSources, set: ReplicaSet, count: number): Promise<Outcome> {
  const { pods, recordEvent } = sources
  const draft = podFromTemplate(set, set.spec?.template ?? {}, { generateName: `${set.metadata.name}-` })
  const { failure } = await slowStart(count, async () => {
    try {
      const pod = await pods.create(draft)
      recordEvent(set, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`)
    } catch (error) {
      recordEvent(set, 'Warning', 'FailedCreate', `Error creating: ${messageOf(error)}`)
      throw error
    }
  })
  if (failure === undefined || isTerminatingNamespace(failure)) return {}
  return { failure: { reason: 'FailedCreate', message: messageOf(failure) }, error: failure }
}

function selectSurplus(sources: ReplicaSetSources, set: ReplicaSet, active: readonly Pod[]): Pod[] {
  const owner = controllerOf(set)
  const siblings = owner ? sources.setsByController.get(owner.uid) : [set]
  const relatedPods = siblings.flatMap((sibling) => podsOf(sources, sibling).filter(isActive))
  const count = Math.min(active.length - (set.spec?.replicas ?? 1), burstReplicas)
  return selectVictims({ pods: active, count, relatedPods, nowMs: sources.clock.nowMs() })
}

async function deletePods(sources: ReplicaSetSources, set: ReplicaSet, victims: readonly Pod[]): Promise<Outcome> {
  const results = await Promise.allSettled(
    victims.map(async (pod) => {
      try {
        await sources.pods.delete(pod)
      } catch (error) {
        if (isNotFound(error)) return
        sources.recordEvent(set, 'Warning', 'FailedDelete', `Error deleting: ${messageOf(error)}`)
        throw error
      }
      sources.recordEvent(set, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`)
    }),
  )
  const failed = results.find((result) => result.status === 'rejected')
  if (!failed) return {}
  return { failure: { reason: 'FailedDelete', message: messageOf(failed.reason) }, error: failed.reason }
}

async function writeStatus(sources: ReplicaSetSources, planned: ReplicaSet, failure: Failure): Promise<void> {
  const set = sources.sets.cache.get(refOf(planned))
  if (!set || set.metadata.uid !== planned.metadata.uid) return
  const pods = podsOf(sources, set)
  const status = desiredReplicaSetStatus({
    set: { ...set, metadata: planned.metadata },
    pods: pods.filter(isActive),
    terminating: terminatingPods(pods),
    ...(failure && { failure }),
    nowMs: sources.clock.nowMs(),
  })
  if (isEqualJson(status, set.status)) return
  await sources.sets.updateStatus({ ...set, status })
}

/** Pods of a namespace on its way out cannot be made, and nobody needs to hear of it. */
function isTerminatingNamespace(error: unknown): boolean {
  return isForbidden(error) && !!error.status.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating')
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
