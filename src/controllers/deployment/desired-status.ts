/** What a Deployment's status should say about its rollout. Pure. */
import type { Deployment, DeploymentCondition, DeploymentStatus } from '#api/deployment.ts'
import { omitZeros } from '../omit-zeros.ts'
import { rfc3339 } from '../rfc3339.ts'
import { allSets, sum, totalAvailable, totalReplicas } from './replica-set-facts.ts'
import type { Rollout } from './replica-set-facts.ts'
import { rolloutLimits } from './rollout-limits.ts'

const noDeadline = 2 ** 31 - 1

export interface StatusInputs {
  readonly rollout: Rollout
  readonly nowMs: number
  /** A condition of type Progressing that this reconcile has brought about by itself (set created, found, paused). */
  readonly progress?: {
    readonly status: 'True' | 'False' | 'Unknown'
    readonly reason: string
    readonly message: string
  }
  /** Whether the rollout is judged: not while paused or being scaled. */
  readonly judge: boolean
  readonly collisionCount?: number | undefined
}

export function desiredDeploymentStatus(inputs: StatusInputs): DeploymentStatus {
  const counts = countReplicas(inputs.rollout)
  let conditions = [...(inputs.rollout.deployment.status?.conditions ?? [])]
  conditions = withCondition(conditions, { type: 'Available', ...availability(inputs.rollout, counts) }, inputs.nowMs)
  if (inputs.progress) conditions = withCondition(conditions, { type: 'Progressing', ...inputs.progress }, inputs.nowMs)
  if (!hasDeadline(inputs.rollout.deployment)) conditions = conditions.filter(({ type }) => type !== 'Progressing')
  else if (inputs.judge) conditions = judgeProgress(inputs, counts, conditions)
  if (inputs.judge) conditions = copyReplicaFailure(inputs, conditions)
  const collisionCount = inputs.collisionCount ?? inputs.rollout.deployment.status?.collisionCount
  return {
    ...omitZeros(counts),
    ...(collisionCount !== undefined && { collisionCount }),
    ...(conditions.length > 0 && { conditions }),
  }
}

type Counts = Required<Omit<DeploymentStatus, 'conditions' | 'collisionCount'>>

function countReplicas(rollout: Rollout): Counts {
  const sets = allSets(rollout)
  const availableReplicas = totalAvailable(sets)
  return {
    observedGeneration: rollout.deployment.metadata.generation ?? 0,
    replicas: sum(sets, ({ status }) => status?.replicas ?? 0),
    updatedReplicas: rollout.newSet?.status?.replicas ?? 0,
    readyReplicas: sum(sets, ({ status }) => status?.readyReplicas ?? 0),
    availableReplicas,
    unavailableReplicas: Math.max(0, totalReplicas(sets) - availableReplicas),
    terminatingReplicas: sum(sets, ({ status }) => status?.terminatingReplicas ?? 0),
  }
}

function availability({ deployment }: Rollout, { availableReplicas }: Counts) {
  const { replicas, maxUnavailable } = rolloutLimits(deployment)
  return availableReplicas >= replicas - maxUnavailable
    ? ({ status: 'True', reason: 'MinimumReplicasAvailable', message: 'Deployment has minimum availability.' } as const)
    : ({
        status: 'False',
        reason: 'MinimumReplicasUnavailable',
        message: 'Deployment does not have minimum availability.',
      } as const)
}

export function hasDeadline({ spec }: Deployment): boolean {
  return spec.progressDeadlineSeconds !== undefined && spec.progressDeadlineSeconds !== noDeadline
}

function judgeProgress(inputs: StatusInputs, counts: Counts, conditions: DeploymentCondition[]): DeploymentCondition[] {
  const { rollout, nowMs } = inputs
  const { deployment, newSet } = rollout
  const current = conditions.find(({ type }) => type === 'Progressing')
  if (counts.replicas === counts.updatedReplicas && current?.reason === 'NewReplicaSetAvailable') return conditions
  const subject = newSet ? `ReplicaSet "${newSet.metadata.name}"` : `Deployment "${deployment.metadata.name}"`
  const progressing = (status: 'True' | 'False', reason: string, rest: string) =>
    ({ type: 'Progressing', status, reason, message: `${subject} ${rest}` }) as const
  if (isComplete(deployment, counts)) {
    const complete = progressing('True', 'NewReplicaSetAvailable', 'has successfully progressed.')
    return withCondition(conditions, complete, nowMs)
  }
  if (hasProgressed(deployment, counts)) {
    const updated = progressing('True', 'ReplicaSetUpdated', 'is progressing.')
    return replaceCondition(conditions, updated, nowMs)
  }
  if (current && isTimedOut(deployment, current, nowMs)) {
    const timedOut = progressing('False', 'ProgressDeadlineExceeded', 'has timed out progressing.')
    return withCondition(conditions, timedOut, nowMs)
  }
  return conditions
}

function isComplete({ spec }: Deployment, counts: Counts): boolean {
  const { replicas = 1 } = spec
  return counts.updatedReplicas === replicas && counts.replicas === replicas && counts.availableReplicas === replicas
}

function hasProgressed({ status = {} }: Deployment, counts: Counts): boolean {
  const oldBefore = (status.replicas ?? 0) - (status.updatedReplicas ?? 0)
  return (
    counts.updatedReplicas > (status.updatedReplicas ?? 0) ||
    counts.replicas - counts.updatedReplicas < oldBefore ||
    counts.readyReplicas > (status.readyReplicas ?? 0) ||
    counts.availableReplicas > (status.availableReplicas ?? 0)
  )
}

function isTimedOut({ spec }: Deployment, current: DeploymentCondition, nowMs: number): boolean {
  if (current.reason === 'NewReplicaSetAvailable') return false
  if (current.reason === 'ProgressDeadlineExceeded') return true
  return nowMs > deadlineMs(current, spec.progressDeadlineSeconds ?? 0)
}

function deadlineMs(current: DeploymentCondition, deadlineSeconds: number): number {
  return Date.parse(current.lastUpdateTime ?? '') + deadlineSeconds * 1000
}

/** When the rollout must be looked at again although nothing may happen; undefined when it is not waiting. */
export function deadlineCheckMs(deployment: Deployment, status: DeploymentStatus, nowMs: number): number | undefined {
  const current = status.conditions?.find(({ type }) => type === 'Progressing')
  const isOver = ['NewReplicaSetAvailable', 'ProgressDeadlineExceeded'].includes(current?.reason ?? '')
  if (!hasDeadline(deployment) || !current || isOver || deployment.spec.paused) return undefined
  return Math.max(0, deadlineMs(current, deployment.spec.progressDeadlineSeconds ?? 0) - nowMs) + 1000
}

function copyReplicaFailure({ rollout, nowMs }: StatusInputs, conditions: DeploymentCondition[]) {
  const sets = rollout.newSet ? [rollout.newSet, ...rollout.oldSets] : rollout.oldSets
  const failure = sets.flatMap(({ status }) => status?.conditions ?? []).find(({ type }) => type === 'ReplicaFailure')
  if (!failure) return conditions.filter(({ type }) => type !== 'ReplicaFailure')
  const { status, reason = '', message = '' } = failure
  return withCondition(conditions, { type: 'ReplicaFailure', status, reason, message }, nowMs)
}

type NewCondition = Required<Pick<DeploymentCondition, 'type' | 'status' | 'reason' | 'message'>>

/** Same status and reason: nothing is written, so times stay what they were. */
function withCondition(conditions: DeploymentCondition[], next: NewCondition, nowMs: number): DeploymentCondition[] {
  const current = conditions.find(({ type }) => type === next.type)
  if (current?.status === next.status && current.reason === next.reason) return conditions
  return replaceCondition(conditions, next, nowMs)
}

function replaceCondition(conditions: DeploymentCondition[], next: NewCondition, nowMs: number) {
  const current = conditions.find(({ type }) => type === next.type)
  const now = rfc3339(nowMs)
  const lastTransitionTime = current?.status === next.status ? (current.lastTransitionTime ?? now) : now
  const written = { ...next, lastUpdateTime: now, lastTransitionTime }
  return [...conditions.filter(({ type }) => type !== next.type), written]
}
