/** How a pod looks in a table: the status is a summary of phase, reason, and the containers' states. */
import { ageColumn, nameColumn, textColumn, wide } from './columns.ts'
import { humanDuration } from './human-duration.ts'
import type { Column } from './kind.ts'
import type { Pod } from './pod.ts'
import type { ContainerStatus } from './pod-status.ts'

export const podColumns: readonly Column<Pod>[] = [
  nameColumn(),
  textColumn('Ready', readyCell, { description: 'Ready containers of all containers.' }),
  textColumn('Status', (pod) => podStatusText(pod), { description: 'What the pod is doing, or why it is not.' }),
  textColumn('Restarts', restartsCell, { description: 'How often containers were restarted, and when last.' }),
  ageColumn(),
  textColumn('IP', (pod) => pod.status?.podIP || '<none>', wide),
  textColumn('Node', (pod) => pod.spec.nodeName || '<none>', wide),
  textColumn('Nominated Node', (pod) => pod.status?.nominatedNodeName || '<none>', wide),
  textColumn('Readiness Gates', readinessGatesCell, wide),
]

/** Init containers that keep running beside the others. */
function isSidecar(pod: Pod, name: string): boolean {
  return pod.spec.initContainers?.some((c) => c.name === name && c.restartPolicy === 'Always') ?? false
}

function longRunning(pod: Pod): ContainerStatus[] {
  const sidecars = (pod.status?.initContainerStatuses ?? []).filter((status) => isSidecar(pod, status.name))
  return [...sidecars, ...(pod.status?.containerStatuses ?? [])]
}

function readyCell(pod: Pod): string {
  const sidecars = (pod.spec.initContainers ?? []).filter((container) => container.restartPolicy === 'Always')
  const total = pod.spec.containers.length + sidecars.length
  return `${longRunning(pod).filter((status) => status.ready && status.state?.running).length}/${total}`
}

function restartsCell(pod: Pod, nowMs: number): string {
  const initializing = initProblem(pod) !== undefined
  const statuses = initializing ? (pod.status?.initContainerStatuses ?? []) : longRunning(pod)
  const restarts = statuses.reduce((sum, status) => sum + status.restartCount, 0)
  const ends = statuses.map((status) => Date.parse(status.lastState?.terminated?.finishedAt ?? ''))
  const lastMs = Math.max(...ends.filter((end) => !Number.isNaN(end)))
  return restarts === 0 || !Number.isFinite(lastMs)
    ? `${restarts}`
    : `${restarts} (${humanDuration(nowMs - lastMs)} ago)`
}

/** The Status cell, as `kubectl get pods` shows it. */
export function podStatusText(pod: Pod): string {
  const text = initProblem(pod) ?? containersText(pod)
  if (pod.metadata.deletionTimestamp === undefined) return text
  if (pod.status?.reason === 'NodeLost') return 'Unknown'
  return isFinished(pod) ? text : 'Terminating'
}

const isFinished = ({ status }: Pod) => status?.phase === 'Succeeded' || status?.phase === 'Failed'

function initProblem(pod: Pod): string | undefined {
  const statuses = pod.status?.initContainerStatuses ?? []
  for (const [index, status] of statuses.entries()) {
    const { terminated, waiting } = status.state ?? {}
    if (terminated?.exitCode === 0 || (isSidecar(pod, status.name) && status.started)) continue
    if (terminated) return `Init:${endText(terminated)}`
    if (waiting?.reason && waiting.reason !== 'PodInitializing') return `Init:${waiting.reason}`
    return `Init:${index}/${pod.spec.initContainers?.length ?? 0}`
  }
  return undefined
}

function containersText(pod: Pod): string {
  let text = pod.status?.reason || pod.status?.phase || ''
  const scheduled = pod.status?.conditions?.find((condition) => condition.type === 'PodScheduled')
  if (scheduled?.reason === 'SchedulingGated') text = 'SchedulingGated'
  const statuses = pod.status?.containerStatuses ?? []
  for (const { state } of statuses.toReversed()) {
    if (state?.waiting?.reason) text = state.waiting.reason
    else if (state?.terminated) text = endText(state.terminated)
  }
  const someRun = statuses.some((status) => status.ready && status.state?.running)
  if (text !== 'Completed' || !someRun) return text
  const ready = pod.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True')
  return ready ? 'Running' : 'NotReady'
}

function endText({ reason, signal, exitCode }: { reason?: string; signal?: number; exitCode: number }): string {
  if (reason) return reason
  return signal ? `Signal:${signal}` : `ExitCode:${exitCode}`
}

function readinessGatesCell(pod: Pod): string {
  const gates = pod.spec.readinessGates ?? []
  if (gates.length === 0) return '<none>'
  const isTrue = (type: string) =>
    pod.status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false
  return `${gates.filter((gate) => isTrue(gate.conditionType)).length}/${gates.length}`
}
