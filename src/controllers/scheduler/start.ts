/** Starts the scheduler. */
import { Namespace } from '#api/namespace.ts'
import { Node } from '#api/node.ts'
import { Pod } from '#api/pod.ts'
import type { WorkQueue } from '#client/contract.ts'
import { isEqualJson } from '../compare-values.ts'
import type { Controller, ControllerDeps } from '../contract.ts'
import { keyOf } from '../object-key.ts'
import { openResource } from '../owned-resource.ts'
import { isTerminal } from '../pod-state.ts'
import { startQueue } from '../start-queue.ts'
import { ClusterUsage } from './node-usage.ts'
import { isWaiting, reconcileScheduling } from './reconcile.ts'

export function startScheduler(deps: ControllerDeps, signal: AbortSignal): Controller {
  const name = 'scheduler'
  const pods = openResource(deps, Pod, signal)
  const nodes = deps.informers.of(Node)
  const namespaces = deps.informers.of(Namespace)
  const usage = new ClusterUsage()
  const unschedulable = new Set<string>()
  const reconcile = reconcileScheduling({ ...deps, pods, nodes, namespaces, usage, unschedulable })
  const caches = [pods.cache, nodes, namespaces]
  const queue: WorkQueue = startQueue(deps, { name, reconcile, caches, concurrency: 16 }, signal)
  const retryUnschedulable = () => {
    for (const key of unschedulable) queue.add(key)
  }

  pods.cache.onChange(({ before, after }) => {
    if (before && !after) unschedulable.delete(keyOf(before))
    if (after?.spec.nodeName && !isTerminal(after)) usage.put(after, after.spec.nodeName)
    else if (after && isWaiting(after)) {
      if (!before || !isWaiting(before) || !isEqualJson(before.spec, after.spec)) queue.add(keyOf(after))
    } else if (before?.spec.nodeName) {
      usage.remove(before.metadata.uid ?? '')
      retryUnschedulable()
    }
  })
  nodes.onChange(({ before, after }) => {
    if (!before || !after || schedulingFacts(before) !== schedulingFacts(after)) retryUnschedulable()
  })
  return { name, idle: () => queue.idle() }
}

/** What of a node matters here: heartbeats do not. */
function schedulingFacts({ metadata, spec, status }: Node): string {
  return JSON.stringify([metadata.labels, spec.taints, spec.unschedulable, status?.allocatable])
}
