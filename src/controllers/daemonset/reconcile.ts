/** Keeps one pod of a DaemonSet on every eligible node. */
import type { ControllerRevision } from '#api/controller-revision.ts'
import type { DaemonSet } from '#api/daemon-set.ts'
import type { Node } from '#api/node.ts'
import type { Pod } from '#api/pod.ts'
import { isNotFound } from '#api/status-error.ts'
import type { Lister, Reconcile, ResourceClient, WorkQueue } from '#client/contract.ts'
import { claimOwned } from '../claim-owned.ts'
import { isEqualJson } from '../compare-values.ts'
import type { ControllerDeps } from '../contract.ts'
import { hashOf } from '../controller-history.ts'
import { currentTemplateRevision, forgetRevisions, HashCollision } from '../keep-history.ts'
import type { HistorySources } from '../keep-history.ts'
import { parseKey, refOf } from '../object-key.ts'
import type { ObjectIndex } from '../object-index.ts'
import type { OwnedResource } from '../owned-resource.ts'
import { isStillAlive } from '../owner-lives.ts'
import { nextAvailabilityMs } from '../pod-state.ts'
import type { SelectedPods } from '../selected-pods.ts'
import { slowStart } from '../slow-start.ts'
import { podOfDaemonSet, revisionLabel } from './daemon-pod.ts'
import { desiredDaemonSetStatus } from './desired-status.ts'
import { planDaemonPods } from './plan-pods.ts'

export interface DaemonSetSources extends Pick<ControllerDeps, 'recordEvent' | 'clock'>, HistorySources {
  readonly sets: OwnedResource<DaemonSet>
  readonly requests: ResourceClient<DaemonSet>
  readonly nodes: Lister<Node>
  readonly pods: OwnedResource<Pod>
  readonly podsByController: ObjectIndex<Pod>
  readonly selectPods: SelectedPods
  readonly queue: () => Pick<WorkQueue, 'addAfter'>
}

export function reconcileDaemonSets(sources: DaemonSetSources): Reconcile {
  return async (key) => {
    const set = sources.sets.cache.get(parseKey(key))
    if (!set) return
    await claimPods(sources, set)
    const revision = await currentRevision(sources, set)
    const inputs = { set, nodes: sources.nodes.list(), hash: hashOf(revision), nowMs: sources.clock.nowMs() }
    const plan = planDaemonPods({ ...inputs, pods: podsOf(sources, set) })
    for (const pod of plan.failed) {
      const message = `Found failed daemon pod ${pod.metadata.namespace}/${pod.metadata.name} on node ${pod.spec.nodeName}, will try to kill it`
      sources.recordEvent(set, 'Warning', 'FailedDaemonPod', message)
    }
    await Promise.all(plan.delete.map((pod) => deletePod(sources, set, pod)))
    const { failure } = await slowStart(plan.create.length, (index) =>
      createPod(sources, set, plan.create[index]!, revision),
    )
    await writeStatus(sources, set, inputs.hash)
    const used = new Set(podsOf(sources, set).map(({ metadata }) => metadata.labels?.[revisionLabel]))
    const isLive = (candidate: ControllerRevision) => used.has(hashOf(candidate)) || hashOf(candidate) === inputs.hash
    await forgetRevisions(sources, set, isLive)
    const nextMs = nextAvailabilityMs(podsOf(sources, set), set.spec.minReadySeconds ?? 0, inputs.nowMs)
    if (nextMs !== undefined) sources.queue().addAfter(key, nextMs)
    if (failure !== undefined) throw failure
  }
}

function podsOf({ podsByController }: DaemonSetSources, set: DaemonSet): readonly Pod[] {
  return podsByController.get(set.metadata.uid ?? '')
}

async function claimPods(sources: DaemonSetSources, set: DaemonSet): Promise<void> {
  const { selector } = set.spec
  await claimOwned({
    owner: set,
    selector,
    candidates: [...podsOf(sources, set), ...sources.selectPods(set.metadata.namespace ?? '', selector)],
    resource: sources.pods,
    ownerLives: () => isStillAlive(sources.requests, set),
  })
}

async function currentRevision(sources: DaemonSetSources, set: DaemonSet): Promise<ControllerRevision> {
  try {
    return await currentTemplateRevision(sources, set)
  } catch (error) {
    if (error instanceof HashCollision) {
      const none = { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 }
      const status = { ...none, ...set.status, collisionCount: (set.status?.collisionCount ?? 0) + 1 }
      await sources.sets.updateStatus({ ...set, status })
    }
    throw error
  }
}

async function createPod(sources: DaemonSetSources, set: DaemonSet, nodeName: string, revision: ControllerRevision) {
  try {
    const pod = await sources.pods.create(podOfDaemonSet(set, nodeName, revision))
    sources.recordEvent(set, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`)
  } catch (error) {
    sources.recordEvent(set, 'Warning', 'FailedCreate', `Error creating: ${messageOf(error)}`)
    throw error
  }
}

async function deletePod(sources: DaemonSetSources, set: DaemonSet, pod: Pod): Promise<void> {
  try {
    await sources.pods.delete(pod)
  } catch (error) {
    if (isNotFound(error)) return
    sources.recordEvent(set, 'Warning', 'FailedDelete', `Error deleting: ${messageOf(error)}`)
    throw error
  }
  sources.recordEvent(set, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`)
}

async function writeStatus(sources: DaemonSetSources, seen: DaemonSet, hash: string): Promise<void> {
  const cached = sources.sets.cache.get(refOf(seen))
  if (!cached || cached.metadata.uid !== seen.metadata.uid) return
  const status = desiredDaemonSetStatus({
    set: { ...cached, spec: seen.spec, metadata: seen.metadata },
    nodes: sources.nodes.list(),
    pods: podsOf(sources, seen),
    hash,
    nowMs: sources.clock.nowMs(),
  })
  if (!isEqualJson(status, cached.status)) await sources.sets.updateStatus({ ...cached, status })
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
