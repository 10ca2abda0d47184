/** Numbered snapshots of a workload's template: ControllerRevisions, as `kubectl rollout history` and `undo` read them. Pure. */
import type { ControllerRevision } from '#api/controller-revision.ts'
import type { KubeObject } from '#api/meta.ts'
import type { Pod } from '#api/pod.ts'
import type { Draft } from '#client/contract.ts'
import { canonicalJson } from './compare-values.ts'
import { controllerReference } from './controller-ref.ts'
import { shortHash } from './hash-template.ts'

export interface PodTemplate {
  readonly metadata?: Partial<Pod['metadata']>
  readonly spec?: Pod['spec']
}

export interface TemplateOwner extends KubeObject {
  readonly spec: { readonly template: PodTemplate; readonly revisionHistoryLimit?: number }
  readonly status?: { readonly collisionCount?: number }
}

export type HistoryPlan =
  | { readonly action: 'use'; readonly revision: ControllerRevision }
  /** The template of an earlier revision is back: it becomes the newest. */
  | { readonly action: 'renumber'; readonly revision: ControllerRevision; readonly number: number }
  | { readonly action: 'create'; readonly draft: Draft<ControllerRevision> }

const hashLabel = 'controller.kubernetes.io/hash'

export function planHistory(owner: TemplateOwner, revisions: readonly ControllerRevision[]): HistoryPlan {
  const data = revisionData(owner.spec.template)
  const text = canonicalJson(data)
  const sorted = sortRevisions(revisions)
  const newest = sorted.at(-1)
  const equal = sorted.findLast((revision) => canonicalJson(revision.data) === text)
  if (equal && equal === newest) return { action: 'use', revision: equal }
  const number = (newest?.revision ?? 0) + 1
  if (equal) return { action: 'renumber', revision: equal, number }
  const hash = shortHash(data, owner.status?.collisionCount)
  const { namespace = '', name } = owner.metadata
  const labels = { ...owner.spec.template.metadata?.labels, [hashLabel]: hash }
  const ownerReferences = [controllerReference(owner)]
  const metadata = { namespace, name: `${name}-${hash}`, labels, ownerReferences }
  return { action: 'create', draft: { metadata, data, revision: number } }
}

/** A strategic merge patch that brings the template back. */
function revisionData(template: PodTemplate): object {
  return { spec: { template: { ...template, $patch: 'replace' } } }
}

export function templateOf(revision: ControllerRevision): PodTemplate {
  const { spec } = revision.data as { spec: { template: PodTemplate & { $patch?: string } } }
  const { $patch: _patch, ...template } = spec.template
  return template
}

export function hashOf(revision: ControllerRevision): string {
  return revision.metadata.labels?.[hashLabel] ?? revision.metadata.name
}

export function sortRevisions(revisions: readonly ControllerRevision[]): ControllerRevision[] {
  return revisions.toSorted((a, b) => a.revision - b.revision)
}

/** Revisions beyond the limit that no pod and no status speaks of, oldest first. */
export function revisionsToForget(
  owner: TemplateOwner,
  revisions: readonly ControllerRevision[],
  isLive: (revision: ControllerRevision) => boolean,
): ControllerRevision[] {
  const { revisionHistoryLimit = 10 } = owner.spec
  const dead = sortRevisions(revisions).filter((revision) => !isLive(revision))
  return dead.slice(0, Math.max(0, dead.length - revisionHistoryLimit))
}
