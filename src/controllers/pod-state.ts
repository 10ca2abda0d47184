/** What a pod's status says, in the words that controllers decide by. Pure. */
import type { Pod } from '#api/pod.ts'

type PodLike = Pick<Pod, 'status' | 'metadata'>

export function isTerminal(pod: PodLike): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
}

export function isTerminating(pod: PodLike): boolean {
  return pod.metadata.deletionTimestamp !== undefined
}

/** Neither finished nor on its way out: counts as a replica. */
export function isActive(pod: PodLike): boolean {
  return !isTerminal(pod) && !isTerminating(pod)
}

export function readyCondition(pod: PodLike) {
  return pod.status?.conditions?.find((condition) => condition.type === 'Ready')
}

export function isReady(pod: PodLike): boolean {
  return readyCondition(pod)?.status === 'True'
}

/** When the pod became ready, in Unix milliseconds; undefined while it is not. */
export function readySinceMs(pod: PodLike): number | undefined {
  const condition = readyCondition(pod)
  if (condition?.status !== 'True') return undefined
  return condition.lastTransitionTime ? Date.parse(condition.lastTransitionTime) : 0
}

/** Ready for at least `minReadySeconds`. */
export function isAvailable(pod: PodLike, minReadySeconds: number, nowMs: number): boolean {
  const since = readySinceMs(pod)
  return since !== undefined && (minReadySeconds === 0 || since + minReadySeconds * 1000 <= nowMs)
}

/** How long until some ready pod becomes available by time alone; undefined when none will. */
export function nextAvailabilityMs(
  pods: readonly PodLike[],
  minReadySeconds: number,
  nowMs: number,
): number | undefined {
  if (minReadySeconds === 0) return undefined
  const waits = pods.flatMap((pod) => {
    const since = readySinceMs(pod)
    const wait = since === undefined ? 0 : since + minReadySeconds * 1000 - nowMs
    return wait > 0 ? [wait] : []
  })
  return waits.length === 0 ? undefined : Math.min(...waits)
}
