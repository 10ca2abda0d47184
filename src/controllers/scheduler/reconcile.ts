/** Finds a node for one pod and binds it. */
import type { Namespace } from '#api/namespace.ts'
import type { Node } from '#api/node.ts'
import type { Pod } from '#api/pod.ts'
import { isConflict, isNotFound } from '#api/status-error.ts'
import type { Lister, Reconcile } from '#client/contract.ts'
import type { ControllerDeps } from '../contract.ts'
import { parseKey, refOf } from '../object-key.ts'
import type { OwnedResource } from '../owned-resource.ts'
import { isTerminal } from '../pod-state.ts'
import { rfc3339 } from '../rfc3339.ts'
import { chooseNode } from './choose-node.ts'
import type { ClusterUsage } from './node-usage.ts'

export const schedulerName = 'default-scheduler'

export interface SchedulerSources extends Pick<ControllerDeps, 'recordEvent' | 'clock'> {
  readonly pods: OwnedResource<Pod>
  readonly nodes: Lister<Node>
  readonly namespaces: Lister<Namespace>
  readonly usage: ClusterUsage
  /** Keys of pods that fit nowhere, to be tried again when something changes. */
  readonly unschedulable: Set<string>
}

export function reconcileScheduling(sources: SchedulerSources): Reconcile {
  return async (key) => {
    sources.unschedulable.delete(key)
    const pod = sources.pods.cache.get(parseKey(key))
    if (!pod || !isWaiting(pod)) return
    if (pod.spec.schedulingGates?.length) {
      return writeUnscheduled(
        sources,
        pod,
        'SchedulingGated',
        'Scheduling is blocked due to non-empty scheduling gates',
      )
    }
    // No await between looking and taking: several pods are decided at once, each seeing what the others took.
    const choice = chooseNode({
      pod,
      nodes: sources.nodes.list(),
      usage: sources.usage,
      namespaceLabels: (name) => sources.namespaces.get({ name })?.metadata.labels,
    })
    if ('node' in choice) return bind(sources, pod, choice.node)
    sources.unschedulable.add(key)
    sources.recordEvent(pod, 'Warning', 'FailedScheduling', choice.refusal)
    await writeUnscheduled(sources, pod, 'Unschedulable', choice.refusal)
  }
}

export function isWaiting(pod: Pod): boolean {
  const { nodeName, schedulerName: wanted = schedulerName } = pod.spec
  return !nodeName && wanted === schedulerName && !pod.metadata.deletionTimestamp && !isTerminal(pod)
}

async function bind(sources: SchedulerSources, pod: Pod, nodeName: string): Promise<void> {
  const { pods, usage, recordEvent } = sources
  const { namespace = '', name, uid = '' } = pod.metadata
  usage.put(pod, nodeName)
  try {
    const target = { apiVersion: 'v1', kind: 'Node', name: nodeName }
    const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { namespace, name, uid }, target }
    await pods.createSubresource(pod, 'binding', binding, (cached) => !!cached.spec.nodeName)
  } catch (error) {
    if (!pods.cache.get(refOf(pod))?.spec.nodeName) usage.remove(uid)
    if (isNotFound(error) || isConflict(error)) return
    recordEvent(pod, 'Warning', 'FailedScheduling', `binding rejected: ${String(error)}`)
    throw error
  }
  recordEvent(pod, 'Normal', 'Scheduled', `Successfully assigned ${namespace}/${name} to ${nodeName}`)
}

async function writeUnscheduled(sources: SchedulerSources, pod: Pod, reason: string, message: string): Promise<void> {
  const before = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled')
  if (before?.status === 'False' && before.reason === reason && before.message === message) return
  const now = rfc3339(sources.clock.nowMs())
  const lastTransitionTime = before?.status === 'False' ? (before.lastTransitionTime ?? now) : now
  const condition = { type: 'PodScheduled', status: 'False', reason, message, lastTransitionTime }
  // Strategic merge replaces the one condition by its type and leaves the others alone.
  await sources.pods.patchStatus(refOf(pod), 'strategic', { status: { conditions: [condition] } })
}
