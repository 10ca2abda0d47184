/** Which objects a ResourceQuota covers. A quota with scopes is about pods alone. */
import type { Kind } from './kind.ts'
import type { KubeObject } from './meta.ts'
import type { PodAffinityTerm } from './affinity.ts'
import { qosClassOf } from './pod-qos.ts'
import type { Pod } from './pod.ts'
import type { ResourceQuota, ScopedResourceSelectorRequirement } from './resource-quota.ts'

export const quotaScopes = [
  'Terminating',
  'NotTerminating',
  'BestEffort',
  'NotBestEffort',
  'PriorityClass',
  'CrossNamespacePodAffinity',
] as const
export type QuotaScope = (typeof quotaScopes)[number]

export function isCovered({ spec }: ResourceQuota, kind: Pick<Kind, 'group' | 'plural'>, object: KubeObject): boolean {
  const all = [
    ...(spec.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' })),
    ...(spec.scopeSelector?.matchExpressions ?? []),
  ]
  if (all.length === 0) return true
  if (kind.group !== '' || kind.plural !== 'pods') return false
  return all.every((requirement) => meets(object as Pod, requirement))
}

function meets({ spec }: Pod, { scopeName, operator, values = [] }: ScopedResourceSelectorRequirement): boolean {
  switch (scopeName as QuotaScope) {
    case 'Terminating':
      return (spec.activeDeadlineSeconds ?? -1) >= 0
    case 'NotTerminating':
      return !((spec.activeDeadlineSeconds ?? -1) >= 0)
    case 'BestEffort':
      return qosClassOf(spec) === 'BestEffort'
    case 'NotBestEffort':
      return qosClassOf(spec) !== 'BestEffort'
    case 'PriorityClass':
      return selects(spec.priorityClassName ?? '', operator, values)
    case 'CrossNamespacePodAffinity':
      return podAffinityTerms(spec).some(reachesOut)
    default:
      return false
  }
}

/** A pod without the name has nothing that could be in a list. */
function selects(name: string, operator: string, values: readonly string[]): boolean {
  switch (operator) {
    case 'In':
      return name !== '' && values.includes(name)
    case 'NotIn':
      return name === '' || !values.includes(name)
    case 'Exists':
      return name !== ''
    default:
      return name === ''
  }
}

function podAffinityTerms({ affinity }: Pod['spec']): PodAffinityTerm[] {
  return [affinity?.podAffinity, affinity?.podAntiAffinity].flatMap((rules) => [
    ...(rules?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(rules?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => podAffinityTerm),
  ])
}

const reachesOut = ({ namespaces, namespaceSelector }: PodAffinityTerm): boolean =>
  (namespaces?.length ?? 0) > 0 || namespaceSelector !== undefined
