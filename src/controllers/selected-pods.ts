/** Pods by label selector, found through an index instead of a walk over the namespace. */
import type { LabelSelector } from '#api/meta.ts'
import type { Pod } from '#api/pod.ts'
import type { Informer } from '#client/contract.ts'
import { matchesSelector } from './match-labels.ts'
import { indexObjects, labelIndexValue, labelIndexValues } from './object-index.ts'

export interface SelectedPods {
  (namespace: string, selector: LabelSelector): readonly Pod[]
}

export function indexPodsByLabel(pods: Informer<Pod>): SelectedPods {
  const index = indexObjects(pods, labelIndexValues)
  return (namespace, selector) => {
    const pairs = Object.entries(selector.matchLabels ?? {})
    const candidates =
      pairs.length === 0
        ? pods.list(namespace)
        : pairs
            .map(([key, value]) => index.get(labelIndexValue(namespace, key, value)))
            .reduce((fewest, found) => (found.length < fewest.length ? found : fewest))
    return candidates.filter((pod) => matchesSelector(selector, pod.metadata.labels))
  }
}
