/** Makes the ControllerRevision of a workload's present template, or finds it. */
import type { ControllerRevision } from '#api/controller-revision.ts'
import { isAlreadyExists, isNotFound } from '#api/status-error.ts'
import { planHistory, revisionsToForget } from './controller-history.ts'
import type { TemplateOwner } from './controller-history.ts'
import { refOf } from './object-key.ts'
import type { ObjectIndex } from './object-index.ts'
import type { OwnedResource } from './owned-resource.ts'

export interface HistorySources {
  readonly revisions: OwnedResource<ControllerRevision>
  readonly revisionsByController: ObjectIndex<ControllerRevision>
}

/** The name is taken by something else: the owner must count a collision and try again. */
export class HashCollision extends Error {}

export async function currentTemplateRevision(
  { revisions, revisionsByController }: HistorySources,
  owner: TemplateOwner,
): Promise<ControllerRevision> {
  const plan = planHistory(owner, revisionsByController.get(owner.metadata.uid ?? ''))
  switch (plan.action) {
    case 'use':
      return plan.revision
    case 'renumber':
      return revisions.patch(refOf(plan.revision), 'merge', { revision: plan.number })
    case 'create':
      try {
        return await revisions.create(plan.draft)
      } catch (cause) {
        if (!isAlreadyExists(cause)) throw cause
        throw new HashCollision(`Cannot create ControllerRevision ${plan.draft.metadata.name}: the name is taken`, {
          cause,
        })
      }
  }
}

export async function forgetRevisions(
  { revisions, revisionsByController }: HistorySources,
  owner: TemplateOwner,
  isLive: (revision: ControllerRevision) => boolean,
): Promise<void> {
  const dead = revisionsToForget(owner, revisionsByController.get(owner.metadata.uid ?? ''), isLive)
  for (const revision of dead) {
    try {
      await revisions.delete(revision)
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }
}
