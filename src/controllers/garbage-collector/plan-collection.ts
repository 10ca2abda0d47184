/** What owner references and deletion finalizers ask for, for one object. Pure. */
import type { KubeObject, OwnerReference } from '#api/meta.ts'

export const foregroundFinalizer = 'foregroundDeletion'
export const orphanFinalizer = 'orphan'

/** What is known of the object behind an owner reference. */
export type OwnerState = 'alive' | 'absent' | 'deletingDependents'

export type Collection =
  | { readonly action: 'none' }
  /** The owners named here are gone or going, others hold the object: only these references are dropped. */
  | { readonly action: 'dropOwners'; readonly uids: readonly string[] }
  | { readonly action: 'delete'; readonly propagationPolicy: 'Background' | 'Foreground' | 'Orphan' }

export interface CollectInputs {
  readonly object: KubeObject
  readonly stateOf: (owner: OwnerReference) => OwnerState
  /** The object has dependents that block its deletion. */
  readonly hasBlockingDependents: boolean
}

export function planCollection({ object, stateOf, hasBlockingDependents }: CollectInputs): Collection {
  const { ownerReferences = [], deletionTimestamp } = object.metadata
  if (deletionTimestamp || ownerReferences.length === 0) return { action: 'none' }
  const states = ownerReferences.map((owner) => ({ owner, state: effectiveState(owner, stateOf(owner)) }))
  const gone = states.filter(({ state }) => state !== 'alive')
  if (gone.length === 0) return { action: 'none' }
  if (gone.length < states.length) return { action: 'dropOwners', uids: gone.map(({ owner }) => owner.uid) }
  const isOwnerWaiting = gone.some(({ state }) => state === 'deletingDependents')
  if (isOwnerWaiting && hasBlockingDependents) return { action: 'delete', propagationPolicy: 'Foreground' }
  return { action: 'delete', propagationPolicy: policyOf(object) }
}

/** An owner that waits for its dependents is as good as gone only for those that block it. */
function effectiveState(owner: OwnerReference, state: OwnerState): OwnerState {
  return state === 'deletingDependents' && !owner.blockOwnerDeletion ? 'alive' : state
}

/** A finalizer set earlier says how the object wants its own dependents treated. */
function policyOf({ metadata }: KubeObject) {
  if (metadata.finalizers?.includes(orphanFinalizer)) return 'Orphan'
  return metadata.finalizers?.includes(foregroundFinalizer) ? 'Foreground' : 'Background'
}

export function isDeletingDependents({ metadata }: KubeObject): boolean {
  return !!metadata.deletionTimestamp && !!metadata.finalizers?.includes(foregroundFinalizer)
}

export function isOrphaningDependents({ metadata }: KubeObject): boolean {
  return !!metadata.deletionTimestamp && !!metadata.finalizers?.includes(orphanFinalizer)
}

export function blocksDeletionOf(dependent: KubeObject, ownerUid: string | undefined): boolean {
  return !!dependent.metadata.ownerReferences?.some(
    ({ uid, blockOwnerDeletion }) => uid === ownerUid && blockOwnerDeletion,
  )
}
