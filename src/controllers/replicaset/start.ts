/** Starts the ReplicaSet controller. */
import { Pod } from '#api/pod.ts'
import { ReplicaSet } from '#api/replica-set.ts'
import type { WorkQueue } from '#client/contract.ts'
import type { Controller, ControllerDeps } from '../contract.ts'
import { controllerOf } from '../controller-ref.ts'
import { matchesSelector } from '../match-labels.ts'
import { controllerIndexValues, indexObjects } from '../object-index.ts'
import { keyOf } from '../object-key.ts'
import { openResource } from '../owned-resource.ts'
import { indexPodsByLabel } from '../selected-pods.ts'
import { startQueue } from '../start-queue.ts'
import { reconcileReplicaSets } from './reconcile.ts'

export function startReplicaSetController(deps: ControllerDeps, signal: AbortSignal): Controller {
  const name = 'replicaset'
  const sets = openResource(deps, ReplicaSet)
  const pods = openResource(deps, Pod)
  const podsByController = indexObjects(pods.cache, controllerIndexValues)
  const setsByController = indexObjects(sets.cache, controllerIndexValues)
  const setsByUid = indexObjects(sets.cache, ({ metadata }) => [metadata.uid ?? ''])
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

  sets.cache.onChange(({ before, after }) => queue.add(keyOf((after ?? before)!)))
  pods.cache.onChange(({ before, after }) => {
    for (const pod of [before, after]) {
      if (!pod) continue
      const owner = controllerOf(pod)
      const owners = owner ? setsByUid.get(owner.uid) : adopters(sets.cache.list(pod.metadata.namespace), pod)
      for (const set of owners) queue.add(keyOf(set))
    }
  })
  return { name, idle: () => queue.idle() }
}

/** An orphan is offered to every set whose selector matches. */
function adopters(sets: readonly ReplicaSet[], pod: Pod): ReplicaSet[] {
  return sets.filter(({ spec }) => matchesSelector(spec?.selector, pod.metadata.labels))
}
