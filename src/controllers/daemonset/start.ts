/** Starts the DaemonSet controller. */
import { ControllerRevision } from '#api/controller-revision.ts'
import { DaemonSet } from '#api/daemon-set.ts'
import { Node } from '#api/node.ts'
import { Pod } from '#api/pod.ts'
import type { WorkQueue } from '#client/contract.ts'
import type { Controller, ControllerDeps } from '../contract.ts'
import { controllerIndexValues, indexObjects } from '../object-index.ts'
import { keyOf } from '../object-key.ts'
import { openResource } from '../owned-resource.ts'
import { indexPodsByLabel } from '../selected-pods.ts'
import { startQueue } from '../start-queue.ts'
import { watchWorkload } from '../start-workload.ts'
import { reconcileDaemonSets } from './reconcile.ts'

export function startDaemonSetController(deps: ControllerDeps, signal: AbortSignal): Controller {
  const name = 'daemonset'
  const sets = openResource(deps, DaemonSet, signal)
  const pods = openResource(deps, Pod, signal)
  const nodes = deps.informers.of(Node)
  const revisions = openResource(deps, ControllerRevision, signal)
  const reconcile = reconcileDaemonSets({
    ...deps,
    sets,
    requests: deps.client.of(DaemonSet),
    nodes,
    pods,
    podsByController: indexObjects(pods.cache, controllerIndexValues),
    selectPods: indexPodsByLabel(pods.cache),
    revisions,
    revisionsByController: indexObjects(revisions.cache, controllerIndexValues),
    queue: () => queue,
  })
  const caches = [sets.cache, pods.cache, nodes, revisions.cache]
  const queue: WorkQueue = startQueue(deps, { name, reconcile, caches }, signal)
  watchWorkload(sets.cache, pods.cache, queue)
  nodes.onChange(({ before, after }) => {
    if (before && after && placementFacts(before) === placementFacts(after)) return
    for (const set of sets.cache.list()) queue.add(keyOf(set))
  })
  return { name, idle: () => queue.idle() }
}

/** What of a node decides whether daemons run there. */
function placementFacts({ metadata, spec }: Node): string {
  return JSON.stringify([metadata.labels, spec.taints, spec.unschedulable])
}
