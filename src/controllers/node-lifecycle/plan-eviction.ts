/** When a pod must leave a tainted node. Pure. */
import type { Toleration } from '#api/affinity.ts'
import type { Node, Taint } from '#api/node.ts'
import type { Pod } from '#api/pod.ts'
import { tolerates } from '../match-node.ts'
import { notReadyTaint, unreachableTaint } from './desired-node.ts'

/** What admission gives every pod; repeated here for pods that came by another way. */
const defaultTolerations: readonly Toleration[] = [notReadyTaint, unreachableTaint].map((key) => ({
  key,
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds: 300,
}))

/** Unix milliseconds at which the pod is to be deleted; undefined when it may stay. */
export function evictionTimeMs(pod: Pod, node: Node, nowMs: number): number | undefined {
  const taints = (node.spec.taints ?? []).filter(({ effect }) => effect === 'NoExecute')
  const times = taints.flatMap((taint) => leaveTimeMs(pod, taint, nowMs) ?? [])
  return times.length === 0 ? undefined : Math.min(...times)
}

function leaveTimeMs({ spec }: Pod, taint: Taint, nowMs: number): number | undefined {
  const own = (spec.tolerations ?? []).filter((toleration) => tolerates(toleration, taint))
  const matching = own.length > 0 ? own : defaultTolerations.filter((toleration) => tolerates(toleration, taint))
  const addedMs = taint.timeAdded ? Date.parse(taint.timeAdded) : nowMs
  if (matching.length === 0) return addedMs
  const limits = matching.flatMap(({ tolerationSeconds }) => tolerationSeconds ?? [])
  // Any matching toleration with a limit limits the stay; without one the pod stays for good.
  return limits.length === 0 ? undefined : addedMs + Math.max(0, Math.min(...limits)) * 1000
}
