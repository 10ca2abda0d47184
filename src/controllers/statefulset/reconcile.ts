/** Moves one StatefulSet a step on: at most one pod at a time unless it is Parallel. */
import type { ControllerRevision } from '#api/controller-revision.ts'
import type { Pod } from '#api/pod.ts'
import type { StatefulSet } from '#api/stateful-set.ts'
import { isNotFound } from '#api/status-error.ts'
import type { Reconcile, ResourceClient, WorkQueue } from '#client/contract.ts'
import { claimOwned } from '../claim-owned.ts'
import { isEqualJson } from '../compare-values.ts'
import type { ControllerDeps } from '../contract.ts'
import { currentTemplateRevision, forgetRevisions, HashCollision } from '../keep-history.ts'
import type { HistorySources } from '../keep-history.ts'
import { keyOf, parseKey, refOf } from '../object-key.ts'
import type { ObjectIndex } from '../object-index.ts'
import type { OwnedResource } from '../owned-resource.ts'
import { isStillAlive } from '../owner-lives.ts'
import { nextAvailabilityMs } from '../pod-state.ts'
import type { SelectedPods } from '../selected-pods.ts'
import { desiredStatefulSetStatus } from './desired-status.ts'
import { ordinalOf, podOfSet, revisionOfPod } from './identity.ts'
import { planPods } from './plan-pods.ts'
import type { PodAction } from './plan-pods.ts'

export interface StatefulSetSources extends Pick<ControllerDeps, 'recordEvent' | 'clock'>, HistorySources {
  readonly sets: OwnedResource<StatefulSet>
  readonly requests: ResourceClient<StatefulSet>
  readonly pods: OwnedResource<Pod>
  readonly podsByController: ObjectIndex<Pod>
  readonly selectPods: SelectedPods
  readonly queue: () => Pick<WorkQueue, 'addAfter'>
}

interface Revisions {
  readonly current: ControllerRevision
  readonly update: ControllerRevision
}

export function reconcileStatefulSets(sources: StatefulSetSources): Reconcile {
  return async (key) => {
    const set = sources.sets.cache.get(parseKey(key))
    if (!set) return
    await claimPods(sources, set)
    const revisions = await currentRevisions(sources, set)
    const pods = podsOf(sources, set)
    const nowMs = sources.clock.nowMs()
    const actions = planPods({ set, pods, updateRevision: revisions.update.metadata.name, nowMs })
    const results = await Promise.allSettled(actions.map((action) => carryOut(sources, set, action, revisions)))
    await writeStatus(sources, set, revisions)
    await forget(sources, set, revisions)
    const nextMs = nextAvailabilityMs(podsOf(sources, set), set.spec.minReadySeconds ?? 0, nowMs)
    if (nextMs !== undefined) sources.queue().addAfter(key, nextMs)
    const failed = results.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
  }
}

function podsOf({ podsByController }: StatefulSetSources, set: StatefulSet): readonly Pod[] {
  return podsByController.get(set.metadata.uid ?? '')
}

async function claimPods(sources: StatefulSetSources, set: StatefulSet): Promise<void> {
  const { selector } = set.spec
  const matching = sources.selectPods(set.metadata.namespace ?? '', selector)
  await claimOwned({
    owner: set,
    selector,
    candidates: [...podsOf(sources, set), ...matching.filter((pod) => ordinalOf(set, pod) !== undefined)],
    resource: sources.pods,
    ownerLives: () => isStillAlive(sources.requests, set),
  })
}

async function currentRevisions(sources: StatefulSetSources, set: StatefulSet): Promise<Revisions> {
  try {
    const update = await currentTemplateRevision(sources, set)
    const known = sources.revisionsByController.get(set.metadata.uid ?? '')
    const current = known.find(({ metadata }) => metadata.name === set.status?.currentRevision) ?? update
    return { current, update }
  } catch (error) {
    if (error instanceof HashCollision) {
      const status = { replicas: 0, ...set.status, collisionCount: (set.status?.collisionCount ?? 0) + 1 }
      await sources.sets.updateStatus({ ...set, status })
    }
    throw error
  }
}

async function carryOut(sources: StatefulSetSources, set: StatefulSet, action: PodAction, revisions: Revisions) {
  const { pods, recordEvent } = sources
  const isCreate = action.type === 'create'
  const podName = isCreate ? `${set.metadata.name}-${action.ordinal}` : action.pod.metadata.name
  const what = `${action.type} Pod ${podName} in StatefulSet ${set.metadata.name}`
  const reason = isCreate ? 'Create' : 'Delete'
  try {
    if (isCreate) await pods.create(podOfSet(set, action.ordinal, revisions[action.revision]))
    else await pods.delete(action.pod)
  } catch (error) {
    if (!isCreate && isNotFound(error)) return
    recordEvent(set, 'Warning', `Failed${reason}`, `${what} failed error: ${String(error)}`)
    throw error
  }
  recordEvent(set, 'Normal', `Successful${reason}`, `${what} successful`)
}

async function writeStatus(sources: StatefulSetSources, seen: StatefulSet, { current, update }: Revisions) {
  const cached = sources.sets.cache.get(refOf(seen))
  if (!cached || cached.metadata.uid !== seen.metadata.uid) return
  const status = desiredStatefulSetStatus({
    set: { ...seen, status: cached.status ?? { replicas: 0 } },
    pods: podsOf(sources, seen),
    currentRevision: current.metadata.name,
    updateRevision: update.metadata.name,
    nowMs: sources.clock.nowMs(),
  })
  if (!isEqualJson(status, cached.status)) await sources.sets.updateStatus({ ...cached, status })
}

async function forget(sources: StatefulSetSources, set: StatefulSet, { current, update }: Revisions): Promise<void> {
  const live = new Set([current, update].map(keyOf))
  const used = new Set(podsOf(sources, set).map(revisionOfPod))
  await forgetRevisions(sources, set, (revision) => live.has(keyOf(revision)) || used.has(revision.metadata.name))
}
