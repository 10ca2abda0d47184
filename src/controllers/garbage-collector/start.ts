/** Starts the garbage collector. */
import { Event } from '#api/event.ts'
import type { KubeObject } from '#api/meta.ts'
import { kinds } from '#api/registry.ts'
import type { WorkQueue } from '#client/contract.ts'
import { isEqualJson } from '../compare-values.ts'
import type { Controller, ControllerDeps } from '../contract.ts'
import { startQueue } from '../start-queue.ts'
import { Graph } from './object-graph.ts'
import { isDeletingDependents, isOrphaningDependents } from './plan-collection.ts'
import { reconcileGarbage } from './reconcile.ts'

export function startGarbageCollector(deps: ControllerDeps, signal: AbortSignal): Controller {
  const name = 'garbage-collector'
  // Events own nothing and are owned by nobody.
  const collected = kinds.filter((kind) => kind.kind !== Event.kind)
  const graph = new Graph(collected)
  const enqueue = ({ metadata }: KubeObject) => queue.add(metadata.uid ?? '')
  const reconcile = reconcileGarbage({ ...deps, graph, enqueue })
  const caches = collected.map((kind) => deps.informers.of(kind))
  const queue: WorkQueue = startQueue(deps, { name, reconcile, caches, concurrency: 20 }, signal)

  for (const [index, kind] of collected.entries()) {
    caches[index]!.onChange(({ before, after }) => {
      if (before && before.metadata.uid !== after?.metadata.uid) {
        graph.remove(before)
        for (const { object } of graph.dependentsOf(before.metadata.uid ?? '')) enqueue(object)
        enqueueWaitingOwners(graph, before, enqueue)
      }
      if (after) graph.put(kind, after, before)
      if (after && needsLook(before, after)) enqueue(after)
      if (after) enqueueWaitingOwners(graph, before ?? after, enqueue)
    })
  }
  return { name, idle: () => queue.idle() }
}

/** Most changes of most objects (heartbeats, statuses) say nothing about ownership. */
function needsLook(before: KubeObject | undefined, after: KubeObject): boolean {
  if (isDeletingDependents(after) || isOrphaningDependents(after)) return true
  return (
    !!after.metadata.ownerReferences && !isEqualJson(before?.metadata.ownerReferences, after.metadata.ownerReferences)
  )
}

/** An owner in foreground deletion waits for each of its dependents to go, or to let go of it. */
function enqueueWaitingOwners(graph: Graph, dependent: KubeObject, enqueue: (owner: KubeObject) => void): void {
  for (const { uid } of dependent.metadata.ownerReferences ?? []) {
    const owner = graph.byUid(uid)?.object
    if (owner && isDeletingDependents(owner)) enqueue(owner)
  }
}
