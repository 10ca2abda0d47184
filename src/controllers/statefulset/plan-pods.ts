/** What to do next with a StatefulSet's pods. Pure. */
import type { Pod } from '#api/pod.ts'
import type { StatefulSet } from '#api/stateful-set.ts'
import { isAvailable, isReady, isTerminal, isTerminating } from '../pod-state.ts'
import { resolveIntOrPercent } from '../resolve-int-or-percent.ts'
import { ordinalOf, revisionOfPod } from './identity.ts'

export type PodAction =
  | { readonly type: 'create'; readonly ordinal: number; readonly revision: 'current' | 'update' }
  | { readonly type: 'delete'; readonly pod: Pod }

export interface PlanInputs {
  readonly set: StatefulSet
  readonly pods: readonly Pod[]
  /** Name of the revision that the template has now. */
  readonly updateRevision: string
  readonly nowMs: number
}

/** For OrderedReady at most one action: the next one depends on its outcome. */
export function planPods(inputs: PlanInputs): PodAction[] {
  const { set } = inputs
  if (set.metadata.deletionTimestamp) return []
  const isOrdered = (set.spec.podManagementPolicy ?? 'OrderedReady') === 'OrderedReady'
  const actions: PodAction[] = []
  for (const step of [...replicaSteps(inputs), ...condemnedSteps(inputs, isOrdered)]) {
    if (step === 'fine') continue
    if (step !== 'wait') actions.push(step)
    if (isOrdered) return actions
  }
  return [...actions, ...planUpdates(inputs)]
}

type Step = PodAction | 'wait' | 'fine'

function wantedRange({ spec }: StatefulSet): { start: number; end: number } {
  const start = spec.ordinals?.start ?? 0
  return { start, end: start + (spec.replicas ?? 1) }
}

function* replicaSteps({ set, pods, nowMs }: PlanInputs): Generator<Step> {
  const { start, end } = wantedRange(set)
  const { updateStrategy, minReadySeconds = 0 } = set.spec
  const partition = updateStrategy?.type === 'OnDelete' ? 0 : (updateStrategy?.rollingUpdate?.partition ?? 0)
  const byOrdinal = new Map(pods.map((pod) => [ordinalOf(set, pod), pod]))
  for (let ordinal = start; ordinal < end; ordinal++) {
    const pod = byOrdinal.get(ordinal)
    const revision = ordinal < start + partition ? 'current' : 'update'
    if (!pod) yield { type: 'create', ordinal, revision }
    else if (isTerminating(pod)) yield 'wait'
    else if (isTerminal(pod)) yield { type: 'delete', pod }
    else yield isAvailable(pod, minReadySeconds, nowMs) ? 'fine' : 'wait'
  }
}

/** Pods beyond the range, highest number first. */
function* condemnedSteps({ set, pods }: PlanInputs, isOrdered: boolean): Generator<Step> {
  const condemned = pods.filter((pod) => !isInRange(set, pod)).toSorted((a, b) => number(set, b) - number(set, a))
  const firstUnhealthy = condemned.findLast((pod) => !isReady(pod) || isTerminating(pod))
  for (const pod of condemned) {
    if (isTerminating(pod)) yield 'wait'
    else if (isOrdered && !isReady(pod) && pod !== firstUnhealthy) yield 'wait'
    else yield { type: 'delete', pod }
  }
}

function isInRange(set: StatefulSet, pod: Pod): boolean {
  const { start, end } = wantedRange(set)
  return number(set, pod) >= start && number(set, pod) < end
}

function number(set: StatefulSet, pod: Pod): number {
  return ordinalOf(set, pod) ?? -1
}

/** Stale pods from the highest number down to the partition; no more at once than may be unavailable. */
function planUpdates({ set, pods, updateRevision, nowMs }: PlanInputs): PodAction[] {
  const { updateStrategy, minReadySeconds = 0, replicas = 1 } = set.spec
  if (updateStrategy?.type === 'OnDelete') return []
  const { start } = wantedRange(set)
  const { partition = 0, maxUnavailable = 1 } = updateStrategy?.rollingUpdate ?? {}
  const limit = Math.max(1, resolveIntOrPercent(maxUnavailable, replicas, 'up'))
  const kept = pods.filter((pod) => isInRange(set, pod))
  const isServing = (pod: Pod) => !isTerminating(pod) && isAvailable(pod, minReadySeconds, nowMs)
  const stale = kept
    .filter((pod) => number(set, pod) >= start + partition && revisionOfPod(pod) !== updateRevision)
    .filter((pod) => !isTerminating(pod))
    .toSorted((a, b) => number(set, b) - number(set, a))
  // Replacing a pod that serves nobody costs nothing.
  const free = stale.filter((pod) => !isServing(pod))
  const budget = Math.max(0, limit - (replicas - kept.filter(isServing).length))
  const paid = stale.filter(isServing).slice(0, budget)
  return [...free, ...paid].map((pod) => ({ type: 'delete', pod }))
}
