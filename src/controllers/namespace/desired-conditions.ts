/** What a namespace says about its own deletion. Pure. */
import type { Namespace } from '#api/namespace.ts'
import { rfc3339 } from '../rfc3339.ts'

export interface Remaining {
  /** `pods.` for the core group, `deployments.apps` else. */
  readonly resource: string
  readonly name: string
  readonly finalizers: readonly string[]
}

type Condition = NonNullable<NonNullable<Namespace['status']>['conditions']>[number]
type Finding = readonly [type: string, holds: boolean, reason: string, message: string]

export function desiredConditions(namespace: Namespace, remaining: readonly Remaining[], nowMs: number): Condition[] {
  const before = namespace.status?.conditions ?? []
  const now = rfc3339(nowMs)
  return findings(remaining).map(([type, holds, reason, message]) => {
    const status = holds ? 'True' : 'False'
    const old = before.find((condition) => condition.type === type)
    const lastTransitionTime = old?.status === status ? (old.lastTransitionTime ?? now) : now
    return { type, status, lastTransitionTime, reason, message }
  })
}

function findings(remaining: readonly Remaining[]): Finding[] {
  const byResource = countText(remaining.map(({ resource }) => resource))
  const byFinalizer = countText(remaining.flatMap(({ finalizers }) => finalizers))
  return [
    ['NamespaceDeletionDiscoveryFailure', false, 'ResourcesDiscovered', 'All resources successfully discovered'],
    [
      'NamespaceDeletionGroupVersionParsingFailure',
      false,
      'ParsedGroupVersions',
      'All legacy kube types successfully parsed',
    ],
    [
      'NamespaceDeletionContentFailure',
      false,
      'ContentDeleted',
      'All content successfully deleted, may be waiting on finalization',
    ],
    byResource.length > 0
      ? [
          'NamespaceContentRemaining',
          true,
          'SomeResourcesRemain',
          `Some resources are remaining: ${list(byResource, 'has')}`,
        ]
      : ['NamespaceContentRemaining', false, 'ContentRemoved', 'All content successfully removed'],
    byFinalizer.length > 0
      ? [
          'NamespaceFinalizersRemaining',
          true,
          'SomeFinalizersRemain',
          `Some content in the namespace has finalizers remaining: ${list(byFinalizer, 'in')}`,
        ]
      : ['NamespaceFinalizersRemaining', false, 'ContentHasNoFinalizers', 'All content-preserving finalizers finished'],
  ]
}

function countText(names: readonly string[]): [name: string, count: number][] {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1))
}

function list(counts: readonly [string, number][], verb: 'has' | 'in'): string {
  return counts.map(([name, count]) => `${name} ${verb} ${count} resource instances`).join(', ')
}
