/** Who controls an object, and how an owner takes or lets go of what its selector matches. Pure. */
import type { KubeObject, LabelSelector, OwnerReference } from '#api/meta.ts'
import { matchesSelector } from './match-labels.ts'

export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((reference) => reference.controller === true)
}

export function isControlledBy(object: KubeObject, owner: KubeObject): boolean {
  return controllerOf(object)?.uid === owner.metadata.uid
}

export function controllerReference(owner: KubeObject): OwnerReference {
  const { name, uid = '' } = owner.metadata
  return { apiVersion: owner.apiVersion, kind: owner.kind, name, uid, controller: true, blockOwnerDeletion: true }
}

export interface Claims<T> {
  /** Controlled by the owner and matching, without those still to be adopted. */
  readonly owned: T[]
  readonly adopt: T[]
  readonly release: T[]
}

/** Sorts the objects of the owner's namespace by what its selector and their controller references say. */
export function planClaims<T extends KubeObject>(
  owner: KubeObject,
  selector: LabelSelector | undefined,
  candidates: readonly T[],
): Claims<T> {
  const claims: Claims<T> = { owned: [], adopt: [], release: [] }
  const isOwnerLeaving = owner.metadata.deletionTimestamp !== undefined
  for (const object of candidates) {
    const controller = controllerOf(object)
    const matches = matchesSelector(selector, object.metadata.labels)
    if (controller?.uid === owner.metadata.uid) {
      if (matches) claims.owned.push(object)
      else if (!isOwnerLeaving) claims.release.push(object)
    } else if (!controller && matches && !isOwnerLeaving && !object.metadata.deletionTimestamp) {
      claims.adopt.push(object)
    }
  }
  return claims
}

/** Merge patches with the resourceVersion as a precondition: ownership never changes on stale knowledge. */
export function adoptionPatch(object: KubeObject, owner: KubeObject): object {
  return ownersPatch(object, [...(object.metadata.ownerReferences ?? []), controllerReference(owner)])
}

export function releasePatch(object: KubeObject, ownerUid: string | undefined): object {
  return ownersPatch(
    object,
    (object.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== ownerUid),
  )
}

function ownersPatch({ metadata }: KubeObject, ownerReferences: OwnerReference[]): object {
  return { metadata: { uid: metadata.uid, resourceVersion: metadata.resourceVersion, ownerReferences } }
}
