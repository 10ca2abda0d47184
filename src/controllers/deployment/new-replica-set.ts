/** The ReplicaSet that a Deployment's template asks for: new, or brought up to date. Pure. */
import type { Deployment } from '#api/deployment.ts'
import type { ReplicaSet } from '#api/replica-set.ts'
import type { Draft } from '#client/contract.ts'
import { controllerReference } from '../controller-ref.ts'
import { shortHash } from '../hash-template.ts'
import { hashLabel, maxRevision, revisionAnnotation, revisionHistoryAnnotation } from './replica-set-facts.ts'
import { desiredReplicasAnnotation, maxReplicasAnnotation, newSetAnnotationsSkipped } from './replica-set-facts.ts'
import { revisionOf, templateText } from './replica-set-facts.ts'
import type { Rollout } from './replica-set-facts.ts'
import { newSetReplicas } from './plan-rollout.ts'
import { rolloutLimits } from './rollout-limits.ts'

export function newReplicaSet(rollout: Rollout): Draft<ReplicaSet> {
  const { deployment, oldSets } = rollout
  const { namespace = '', name } = deployment.metadata
  const { template, selector, minReadySeconds } = deployment.spec
  const hash = shortHash(templateText(template), deployment.status?.collisionCount)
  const labels = { ...template.metadata?.labels, [hashLabel]: hash }
  return {
    metadata: {
      name: `${name}-${hash}`,
      namespace,
      labels,
      annotations: {
        ...copiedAnnotations(deployment),
        ...sizeAnnotations(deployment),
        [revisionAnnotation]: String(maxRevision(oldSets) + 1),
      },
      ownerReferences: [controllerReference(deployment)],
    },
    spec: {
      replicas: newSetReplicas(rollout),
      ...(minReadySeconds !== undefined && { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  }
}

/** What the existing new ReplicaSet lacks, as a merge patch; undefined when it is up to date. */
export function newSetPatch(rollout: Rollout & { newSet: ReplicaSet }): object | undefined {
  const { deployment, newSet, oldSets } = rollout
  const annotations = { ...newSet.metadata.annotations, ...copiedAnnotations(deployment) }
  const revision = maxRevision(oldSets) + 1
  const before = revisionOf(newSet)
  if (before < revision) {
    annotations[revisionAnnotation] = String(revision)
    if (before > 0) annotations[revisionHistoryAnnotation] = appendHistory(newSet, before)
  }
  const { minReadySeconds = 0 } = deployment.spec
  const changed = Object.entries(annotations).filter(([key, value]) => newSet.metadata.annotations?.[key] !== value)
  const isTimingChanged = (newSet.spec.minReadySeconds ?? 0) !== minReadySeconds
  if (changed.length === 0 && !isTimingChanged) return undefined
  return {
    ...(changed.length > 0 && { metadata: { annotations: Object.fromEntries(changed) } }),
    ...(isTimingChanged && { spec: { minReadySeconds } }),
  }
}

function appendHistory(set: ReplicaSet, revision: number): string {
  const history = set.metadata.annotations?.[revisionHistoryAnnotation]
  return history ? `${history},${revision}` : String(revision)
}

function copiedAnnotations({ metadata }: Deployment): Record<string, string> {
  const copied = Object.entries(metadata.annotations ?? {}).filter(([key]) => !newSetAnnotationsSkipped.has(key))
  return Object.fromEntries(copied)
}

/** Remember for which Deployment size a set was sized, to notice a change and to share it out in proportion. */
export function sizeAnnotations(deployment: Deployment): Record<string, string> {
  const { replicas, maxSurge } = rolloutLimits(deployment)
  return { [desiredReplicasAnnotation]: String(replicas), [maxReplicasAnnotation]: String(replicas + maxSurge) }
}
