/** Which pods of a ReplicaSet go first when there are too many. Pure. */
import type { Pod } from '#api/pod.ts'
import { isReady, readySinceMs } from '../pod-state.ts'

const deletionCostAnnotation = 'controller.kubernetes.io/pod-deletion-cost'
const phaseRank = { Pending: 0, Unknown: 1, Running: 2 } as const

export interface VictimInputs {
  /** The ReplicaSet's active pods. */
  readonly pods: readonly Pod[]
  readonly count: number
  /** Active pods of all ReplicaSets with the same owner: crowded nodes give up theirs first. */
  readonly relatedPods: readonly Pod[]
  readonly nowMs: number
}

export function selectVictims({ pods, count, relatedPods, nowMs }: VictimInputs): Pod[] {
  if (count >= pods.length) return [...pods]
  const perNode = new Map<string, number>()
  for (const { spec } of relatedPods) {
    if (spec?.nodeName) perNode.set(spec.nodeName, (perNode.get(spec.nodeName) ?? 0) + 1)
  }
  const rank = (pod: Pod) => perNode.get(pod.spec?.nodeName ?? '') ?? 0
  return pods.toSorted((a, b) => compareVictims({ a, b, rank, nowMs })).slice(0, count)
}

interface Comparison {
  readonly a: Pod
  readonly b: Pod
  readonly rank: (pod: Pod) => number
  readonly nowMs: number
}

/** Negative when `a` goes before `b`. */
function compareVictims({ a, b, rank, nowMs }: Comparison): number {
  return (
    Number(!!a.spec?.nodeName) - Number(!!b.spec?.nodeName) ||
    rankOfPhase(a) - rankOfPhase(b) ||
    Number(isReady(a)) - Number(isReady(b)) ||
    deletionCost(a) - deletionCost(b) ||
    rank(b) - rank(a) ||
    logAge(readySinceMs(a), nowMs) - logAge(readySinceMs(b), nowMs) ||
    restarts(b) - restarts(a) ||
    logAge(createdMs(a), nowMs) - logAge(createdMs(b), nowMs)
  )
}

function rankOfPhase(pod: Pod): number {
  return phaseRank[(pod.status?.phase ?? 'Pending') as keyof typeof phaseRank] ?? 0
}

function deletionCost(pod: Pod): number {
  const cost = pod.metadata.annotations?.[deletionCostAnnotation]
  return cost !== undefined && /^[+-]?(0|[1-9][0-9]*)$/.test(cost) ? Number(cost) : 0
}

function restarts(pod: Pod): number {
  return Math.max(0, ...(pod.status?.containerStatuses ?? []).map(({ restartCount }) => restartCount))
}

function createdMs(pod: Pod): number | undefined {
  const { creationTimestamp } = pod.metadata
  return creationTimestamp ? Date.parse(creationTimestamp) : undefined
}

/** Ages compare by order of magnitude, so that a rollout does not always hit one node's pods; younger goes first. */
function logAge(sinceMs: number | undefined, nowMs: number): number {
  if (sinceMs === undefined) return -1
  const ageSeconds = Math.max(0, nowMs - sinceMs) / 1000
  return ageSeconds < 1 ? 0 : Math.floor(Math.log2(ageSeconds * 1e9))
}
