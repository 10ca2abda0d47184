/** What a ReplicaSet's status should say. Pure. */
import type { Pod } from '#api/pod.ts'
import type { ReplicaSet } from '#api/replica-set.ts'
import { matchesLabels } from '../match-labels.ts'
import { omitZeros } from '../omit-zeros.ts'
import { isAvailable, isReady, isTerminal, isTerminating } from '../pod-state.ts'
import { rfc3339 } from '../rfc3339.ts'

export type ReplicaSetStatus = NonNullable<ReplicaSet['status']>

export interface ReplicaSetStatusInputs {
  readonly set: ReplicaSet
  /** Active pods. */
  readonly pods: readonly Pod[]
  readonly terminating: number
  /** Why pods could not be made or removed, this time. */
  readonly failure?: { readonly reason: 'FailedCreate' | 'FailedDelete'; readonly message: string }
  readonly nowMs: number
}

export function desiredReplicaSetStatus(inputs: ReplicaSetStatusInputs): ReplicaSetStatus {
  const { set, pods, terminating, nowMs } = inputs
  const { minReadySeconds = 0, template } = set.spec ?? {}
  const templateLabels = template?.metadata?.labels ?? {}
  const conditions = desiredConditions(inputs)
  const fullyLabeled = pods.filter((pod) => matchesLabels(templateLabels, pod.metadata.labels)).length
  const status = {
    replicas: pods.length,
    fullyLabeledReplicas: fullyLabeled,
    readyReplicas: pods.filter((pod) => isReady(pod)).length,
    availableReplicas: pods.filter((pod) => isAvailable(pod, minReadySeconds, nowMs)).length,
    terminatingReplicas: terminating,
    observedGeneration: set.metadata.generation ?? 0,
    ...(conditions.length > 0 && { conditions }),
  }
  return omitZeros(status, ['replicas'])
}

function desiredConditions({ set, failure, nowMs }: ReplicaSetStatusInputs) {
  const others = (set.status?.conditions ?? []).filter(({ type }) => type !== 'ReplicaFailure')
  if (!failure) return others
  const before = set.status?.conditions?.find(({ type }) => type === 'ReplicaFailure')
  if (before?.reason === failure.reason) return [...others, before]
  const lastTransitionTime = rfc3339(nowMs)
  return [...others, { type: 'ReplicaFailure', status: 'True' as const, ...failure, lastTransitionTime }]
}

export function terminatingPods(pods: readonly Pod[]): number {
  return pods.filter((pod) => isTerminating(pod) && !isTerminal(pod)).length
}
