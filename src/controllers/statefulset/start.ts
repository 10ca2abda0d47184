/** Starts the StatefulSet controller. */
import { ControllerRevision } from '#api/controller-revision.ts'
import { Pod } from '#api/pod.ts'
import { StatefulSet } from '#api/stateful-set.ts'
import type { WorkQueue } from '#client/contract.ts'
import type { Controller, ControllerDeps } from '../contract.ts'
import { controllerIndexValues, indexObjects } from '../object-index.ts'
import { openResource } from '../owned-resource.ts'
import { indexPodsByLabel } from '../selected-pods.ts'
import { startQueue } from '../start-queue.ts'
import { watchWorkload } from '../start-workload.ts'
import { reconcileStatefulSets } from './reconcile.ts'

export function startStatefulSetController(deps: ControllerDeps, signal: AbortSignal): Controller {
  const name = 'statefulset'
  const sets = openResource(deps, StatefulSet, signal)
  const pods = openResource(deps, Pod, signal)
  const revisions = openResource(deps, ControllerRevision, signal)
  const reconcile = reconcileStatefulSets({
    ...deps,
    sets,
    requests: deps.client.of(StatefulSet),
    pods,
    podsByController: indexObjects(pods.cache, controllerIndexValues),
    selectPods: indexPodsByLabel(pods.cache),
    revisions,
    revisionsByController: indexObjects(revisions.cache, controllerIndexValues),
    queue: () => queue,
  })
  const caches = [sets.cache, pods.cache, revisions.cache]
  const queue: WorkQueue = startQueue(deps, { name, reconcile, caches }, signal)
  watchWorkload(sets.cache, pods.cache, queue)
  return { name, idle: () => queue.idle() }
}
