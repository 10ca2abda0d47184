/** Starts the ReplicaSet controller. */
import { Pod } from '#api/pod.ts'
import { ReplicaSet } from '#api/replica-set.ts'
import type { WorkQueue } from '#client/contract.ts'
import type { Controller, ControllerDeps } from '../contract.ts'
import { controllerIndexValues, indexObjects } from '../object-index.ts'
import { openResource } from '../owned-resource.ts'
import { indexPodsByLabel } from '../selected-pods.ts'
import { startQueue } from '../start-queue.ts'
import { watchWorkload } from '../start-workload.ts'
import { reconcileReplicaSets } from './reconcile.ts'

export function startReplicaSetController(deps: ControllerDeps, signal: AbortSignal): Controller {
  const name = 'replicaset'
  const sets = openResource(deps, ReplicaSet, signal)
  const pods = openResource(deps, Pod, signal)
  const podsByController = indexObjects(pods.cache, controllerIndexValues)
  const setsByController = indexObjects(sets.cache, controllerIndexValues)
  const selectPods = indexPodsByLabel(pods.cache)
  const reconcile = reconcileReplicaSets({
    ...deps,
    sets,
    requests: deps.client.of(ReplicaSet),
    pods,
    podsByController,
    setsByController,
    selectPods,
    queue: () => queue,
  })
  const queue: WorkQueue = startQueue(deps, { name, reconcile, caches: [sets.cache, pods.cache] }, signal)

  watchWorkload(sets.cache, pods.cache, queue)
  return { name, idle: () => queue.idle() }
}
