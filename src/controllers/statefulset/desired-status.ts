/** What a StatefulSet's status should say. Pure. */
import type { Pod } from '#api/pod.ts'
import type { StatefulSet, StatefulSetStatus } from '#api/stateful-set.ts'
import { omitZeros } from '../omit-zeros.ts'
import { isAvailable, isReady, isTerminating } from '../pod-state.ts'
import { revisionOfPod } from './identity.ts'

export interface StatefulSetStatusInputs {
  readonly set: StatefulSet
  readonly pods: readonly Pod[]
  readonly currentRevision: string
  readonly updateRevision: string
  readonly nowMs: number
}

export function desiredStatefulSetStatus(inputs: StatefulSetStatusInputs): StatefulSetStatus {
  const { set, pods, updateRevision, nowMs } = inputs
  const { minReadySeconds = 0, replicas = 1, updateStrategy } = set.spec
  const counted = (revision: string) =>
    pods.filter((pod) => !isTerminating(pod) && revisionOfPod(pod) === revision).length
  const updatedReplicas = counted(updateRevision)
  const readyReplicas = pods.filter((pod) => isReady(pod)).length
  const isUpdated =
    updateStrategy?.type !== 'OnDelete' &&
    updatedReplicas === replicas &&
    readyReplicas === replicas &&
    pods.length === replicas
  const currentRevision = isUpdated ? updateRevision : inputs.currentRevision
  const { collisionCount = 0, conditions } = set.status ?? {}
  const status = {
    observedGeneration: set.metadata.generation ?? 0,
    replicas: pods.length,
    readyReplicas,
    availableReplicas: pods.filter((pod) => isAvailable(pod, minReadySeconds, nowMs)).length,
    currentReplicas: counted(currentRevision),
    updatedReplicas,
    currentRevision,
    updateRevision,
    collisionCount,
    ...(conditions && { conditions }),
  }
  return omitZeros(status, ['replicas', 'availableReplicas', 'collisionCount'])
}
