/** Which Services select a pod, without asking each of them. */
import type { Pod } from '#api/pod.ts'
import type { Service } from '#api/service.ts'
import type { Informer } from '#client/contract.ts'
import { matchesLabels } from './match-labels.ts'
import { indexObjects, labelIndexValue, labelIndexValues } from './object-index.ts'

export interface ServicesOfPod {
  (pod: Pod): readonly Service[]
}

export function indexServicesBySelector(services: Informer<Service>): ServicesOfPod {
  // One pair of the selector is enough to find the Service; the rest is compared then.
  const index = indexObjects(services, ({ metadata, spec }) => {
    const [pair] = Object.entries(spec.selector ?? {})
    return pair ? [labelIndexValue(metadata.namespace ?? '', ...pair)] : []
  })
  return (pod) =>
    labelIndexValues(pod)
      .flatMap((value) => index.get(value))
      .filter((service) => matchesLabels(service.spec.selector ?? {}, pod.metadata.labels))
}
