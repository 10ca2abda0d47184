/** Carries out adoption and release, and says what the owner has then. */
import type { KubeObject, LabelSelector } from '#api/meta.ts'
import { isConflict, isInvalid, isNotFound } from '#api/status-error.ts'
import { adoptionPatch, planClaims, releasePatch } from './controller-ref.ts'
import { refOf } from './object-key.ts'
import type { OwnedResource } from './owned-resource.ts'

export interface ClaimInputs<T extends KubeObject> {
  readonly owner: KubeObject
  readonly selector: LabelSelector | undefined
  /** Objects that match the selector or are controlled by the owner; doubles do no harm. */
  readonly candidates: readonly T[]
  readonly resource: OwnedResource<T>
  /** Asks the server, not the cache, whether the owner still lives: a dying one must adopt nothing. */
  readonly ownerLives: () => Promise<boolean>
}

/** Everything the owner controls after adoption and release. */
export async function claimOwned<T extends KubeObject>(inputs: ClaimInputs<T>): Promise<T[]> {
  const { owner, selector, candidates, resource, ownerLives } = inputs
  const claims = planClaims(owner, selector, [...new Set(candidates)])
  await Promise.all(
    claims.release.map((object) =>
      ignoreLost(resource.patch(refOf(object), 'merge', releasePatch(object, owner.metadata.uid))),
    ),
  )
  if (claims.adopt.length === 0 || !(await ownerLives())) return claims.owned
  const adopted = await Promise.all(
    claims.adopt.map((object) => ignoreLost(resource.patch(refOf(object), 'merge', adoptionPatch(object, owner)))),
  )
  return [...claims.owned, ...adopted.filter((object) => object !== undefined)]
}

/** The object has changed or gone meanwhile: its next event brings us back. */
async function ignoreLost<T>(patching: Promise<T>): Promise<T | undefined> {
  try {
    return await patching
  } catch (error) {
    if (isNotFound(error) || isConflict(error) || isInvalid(error)) return undefined
    throw error
  }
}
