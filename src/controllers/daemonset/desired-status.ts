/** What a DaemonSet's status should say. Pure. */
import type { DaemonSetStatus } from '#api/daemon-set.ts'
import { omitZeros } from '../omit-zeros.ts'
import { isAvailable, isReady, isTerminating } from '../pod-state.ts'
import { eligibility, nodeOfDaemonPod, revisionLabel } from './daemon-pod.ts'
import type { DaemonInputs } from './plan-pods.ts'

const always = [
  'currentNumberScheduled',
  'numberMisscheduled',
  'desiredNumberScheduled',
  'numberReady',
] as const satisfies readonly (keyof DaemonSetStatus)[]

export function desiredDaemonSetStatus({ set, nodes, pods, hash, nowMs }: DaemonInputs): DaemonSetStatus {
  const { minReadySeconds = 0 } = set.spec
  const byNode = Map.groupBy(pods, nodeOfDaemonPod)
  const status = {
    currentNumberScheduled: 0,
    numberMisscheduled: 0,
    desiredNumberScheduled: 0,
    numberReady: 0,
    observedGeneration: set.metadata.generation ?? 0,
    updatedNumberScheduled: 0,
    numberAvailable: 0,
    numberUnavailable: 0,
  }
  for (const node of nodes) {
    const here = byNode.get(node.metadata.name) ?? []
    if (!eligibility(set, node).shouldRun) {
      if (here.length > 0) status.numberMisscheduled++
      continue
    }
    status.desiredNumberScheduled++
    if (here.length === 0) continue
    status.currentNumberScheduled++
    const ready = here.filter((pod) => isReady(pod) && !isTerminating(pod))
    if (ready.length > 0) status.numberReady++
    if (ready.some((pod) => isAvailable(pod, minReadySeconds, nowMs))) status.numberAvailable++
    if (here.some((pod) => pod.metadata.labels?.[revisionLabel] === hash)) status.updatedNumberScheduled++
  }
  status.numberUnavailable = status.desiredNumberScheduled - status.numberAvailable
  const { collisionCount, conditions } = set.status ?? {}
  return {
    ...omitZeros(status, always),
    ...(collisionCount !== undefined && { collisionCount }),
    ...(conditions && { conditions }),
  }
}
