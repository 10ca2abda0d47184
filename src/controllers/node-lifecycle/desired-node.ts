/** Conditions and taints that a node should have, by how long ago it was last heard of. Pure. */
import type { Node, NodeCondition, Taint } from '#api/node.ts'
import { rfc3339 } from '../rfc3339.ts'

export const notReadyTaint = 'node.kubernetes.io/not-ready'
export const unreachableTaint = 'node.kubernetes.io/unreachable'

/** Without a sign of life for so long a node counts as lost (kube-controller-manager's --node-monitor-grace-period). */
export const gracePeriodMs = 50_000

const probed = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'] as const

const pressureTaints: Readonly<Record<string, string>> = {
  MemoryPressure: 'node.kubernetes.io/memory-pressure',
  DiskPressure: 'node.kubernetes.io/disk-pressure',
  PIDPressure: 'node.kubernetes.io/pid-pressure',
  NetworkUnavailable: 'node.kubernetes.io/network-unavailable',
}

/** Keys that this controller owns: it adds and removes them, and leaves all others alone. */
const ownedTaints: ReadonlySet<string> = new Set([
  notReadyTaint,
  unreachableTaint,
  'node.kubernetes.io/unschedulable',
  ...Object.values(pressureTaints),
])

/** The node's conditions; the same array when nothing is to be changed. */
export function desiredConditions(node: Node, silentMs: number, nowMs: number): readonly NodeCondition[] {
  const conditions = node.status?.conditions ?? []
  if (silentMs <= gracePeriodMs) return conditions
  const now = rfc3339(nowMs)
  const lost = probed.map((type) => {
    const before = conditions.find((condition) => condition.type === type)
    if (before?.status === 'Unknown') return before
    const never = { reason: 'NodeStatusNeverUpdated', message: 'Kubelet never posted node status.' }
    const stopped = { reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.' }
    const lastHeartbeatTime = before?.lastHeartbeatTime ?? node.metadata.creationTimestamp ?? now
    return {
      type,
      status: 'Unknown' as const,
      lastHeartbeatTime,
      lastTransitionTime: now,
      ...(before ? stopped : never),
    }
  })
  if (lost.every((condition) => conditions.includes(condition))) return conditions
  const others = conditions.filter(({ type }) => !probed.some((name) => name === type))
  return [...others, ...lost]
}

/** The node's taints; the same array when nothing is to be changed. */
export function desiredTaints(node: Node, nowMs: number): readonly Taint[] {
  const current = node.spec.taints ?? []
  const wanted = wantedTaints(node)
  const isWanted = (taint: Taint) => wanted.some((other) => other.key === taint.key && other.effect === taint.effect)
  const kept = current.filter((taint) => !ownedTaints.has(taint.key) || isWanted(taint))
  const missing = wanted.filter(
    ({ key, effect }) => !kept.some((taint) => taint.key === key && taint.effect === effect),
  )
  if (kept.length === current.length && missing.length === 0) return current
  const timeAdded = rfc3339(nowMs)
  return [...kept, ...missing.map((taint) => ({ ...taint, timeAdded }))]
}

function wantedTaints(node: Node): Taint[] {
  const taints: Taint[] = []
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready')?.status
  const lostKey = ready === 'Unknown' ? unreachableTaint : notReadyTaint
  if (ready !== 'True') taints.push({ key: lostKey, effect: 'NoSchedule' })
  // A node that has never said anything is not yet lost: only new pods keep off it.
  if (ready === 'False' || ready === 'Unknown') taints.push({ key: lostKey, effect: 'NoExecute' })
  for (const { type, status } of node.status?.conditions ?? []) {
    const key = pressureTaints[type]
    if (key && status === 'True') taints.push({ key, effect: 'NoSchedule' })
  }
  if (node.spec.unschedulable) taints.push({ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' })
  return taints
}
