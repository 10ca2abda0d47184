/** What the starts of controllers with pods of their own have in common: who is asked when a pod changes. */
import type { KubeObject, LabelSelector } from '#api/meta.ts'
import type { Pod } from '#api/pod.ts'
import type { Informer, WorkQueue } from '#client/contract.ts'
import { controllerOf } from './controller-ref.ts'
import { matchesSelector } from './match-labels.ts'
import { indexObjects } from './object-index.ts'
import { keyOf } from './object-key.ts'

interface Selecting extends KubeObject {
  readonly spec: { readonly selector: LabelSelector }
}

/** Queues an owner when it changes and when one of its pods does; an orphan is offered to all whose selector matches. */
export function watchWorkload<T extends Selecting>(owners: Informer<T>, pods: Informer<Pod>, queue: WorkQueue): void {
  const byUid = indexObjects(owners, ({ metadata }) => [metadata.uid ?? ''])
  const ownersOf = (pod: Pod): readonly T[] => {
    const controller = controllerOf(pod)
    if (controller) return byUid.get(controller.uid)
    const candidates = owners.list(pod.metadata.namespace)
    return candidates.filter(({ spec }) => matchesSelector(spec.selector, pod.metadata.labels))
  }
  owners.onChange(({ before, after }) => queue.add(keyOf((after ?? before)!)))
  pods.onChange(({ before, after }) => {
    for (const pod of [before, after]) for (const owner of pod ? ownersOf(pod) : []) queue.add(keyOf(owner))
  })
}
