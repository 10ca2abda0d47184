/** What ReplicaSets tell about the rollout they belong to. Pure. */
import type { Deployment } from '#api/deployment.ts'
import type { PodTemplateSpec } from '#api/pod-template.ts'
import type { ReplicaSet } from '#api/replica-set.ts'
import { canonicalJson } from '../compare-values.ts'

export const hashLabel = 'pod-template-hash'
export const revisionAnnotation = 'deployment.kubernetes.io/revision'
export const revisionHistoryAnnotation = 'deployment.kubernetes.io/revision-history'
export const desiredReplicasAnnotation = 'deployment.kubernetes.io/desired-replicas'
export const maxReplicasAnnotation = 'deployment.kubernetes.io/max-replicas'
export const newSetAnnotationsSkipped: ReadonlySet<string> = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  revisionAnnotation,
  revisionHistoryAnnotation,
  desiredReplicasAnnotation,
  maxReplicasAnnotation,
  'deprecated.deployment.rollback.to',
])

/** The sets of a Deployment, oldest first. */
export interface Rollout {
  readonly deployment: Deployment
  /** The set whose template is the Deployment's. */
  readonly newSet: ReplicaSet | undefined
  readonly oldSets: readonly ReplicaSet[]
}

export function sortSets(deployment: Deployment, sets: readonly ReplicaSet[]): Rollout {
  const sorted = sets.toSorted(byAge)
  const wanted = templateText(deployment.spec.template)
  const newSet = sorted.find((set) => templateText(set.spec.template) === wanted)
  return { deployment, newSet, oldSets: sorted.filter((set) => set !== newSet) }
}

/** Template as text, without the label that only ReplicaSets carry. */
export function templateText(template: PodTemplateSpec | undefined): string {
  const { [hashLabel]: _hash, ...labels } = template?.metadata?.labels ?? {}
  const { metadata, ...rest } = template ?? {}
  return canonicalJson({ ...rest, metadata: { ...metadata, labels } })
}

export function byAge(a: ReplicaSet, b: ReplicaSet): number {
  const [left, right] = [a.metadata, b.metadata].map(
    ({ creationTimestamp = '', name }) => `${creationTimestamp} ${name}`,
  )
  return left! < right! ? -1 : left! > right! ? 1 : 0
}

export const allSets = ({ newSet, oldSets }: Rollout): ReplicaSet[] => (newSet ? [...oldSets, newSet] : [...oldSets])
export const replicasOf = (set: ReplicaSet | undefined): number => (set ? (set.spec.replicas ?? 1) : 0)
export const totalReplicas = (sets: readonly ReplicaSet[]): number => sum(sets, replicasOf)
export const totalAvailable = (sets: readonly ReplicaSet[]): number =>
  sum(sets, ({ status }) => status?.availableReplicas ?? 0)

export function sum<T>(items: readonly T[], valueOf: (item: T) => number): number {
  return items.reduce((total, item) => total + valueOf(item), 0)
}

export function revisionOf({ metadata }: { metadata: { annotations?: Record<string, string> } }): number {
  return Number(metadata.annotations?.[revisionAnnotation] ?? 0) || 0
}

export function maxRevision(sets: readonly ReplicaSet[]): number {
  return Math.max(0, ...sets.map((set) => revisionOf(set)))
}
