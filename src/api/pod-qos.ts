import { quantityValue } from './check-quantity.ts'
import type { Container } from './container.ts'
import type { PodSpec } from './pod-spec.ts'
import type { PodStatus } from './pod-status.ts'

type QosClass = NonNullable<PodStatus['qosClass']>

/** Guaranteed: every container limits cpu and memory to what it requests; BestEffort: none says anything. */
export function qosClassOf(spec: PodSpec): QosClass {
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? [])]
  if (containers.every((container) => amounts(container.resources?.requests, container.resources?.limits) === 0)) {
    return 'BestEffort'
  }
  return containers.every(isGuaranteed) ? 'Guaranteed' : 'Burstable'
}

const computeResources = ['cpu', 'memory'] as const

type Amounts = Record<string, string> | undefined

function amounts(...lists: Amounts[]): number {
  return lists.flatMap((list) => computeResources.filter((name) => quantityValue(list?.[name] ?? '0') > 0)).length
}

function isGuaranteed({ resources }: Container): boolean {
  return computeResources.every((name) => {
    const limit = resources?.limits?.[name]
    const request = resources?.requests?.[name] ?? limit
    return limit !== undefined && request !== undefined && quantityValue(limit) === quantityValue(request)
  })
}
