/** Deletion of one object. */
import type { Kind } from '#api/kind.ts'
import type { KubeObject } from '#api/meta.ts'
import type { UserInfo } from '#api/wire.ts'
import { modified, notFound, preconditionFailed } from '../api-errors.ts'
import { type DeleteOptions, planDeletion } from './plan-deletion.ts'
import { admit, releaseAll, type WriteDeps } from './write.ts'

export interface DeleteRequest {
  readonly kind: Kind
  readonly namespace: string | undefined
  readonly name: string
  readonly options: DeleteOptions
  readonly user: UserInfo
  readonly warn: (text: string) => void
}

export interface Deletion {
  readonly object: KubeObject
  /** False: it stays, marked, until its finalizers or its node let it go. */
  readonly removed: boolean
}

const attempts = 5

export async function deleteObject(deps: WriteDeps, request: DeleteRequest): Promise<Deletion> {
  const { kind, namespace, name, options } = request
  for (let attempt = 1; attempt <= attempts; attempt++) {
    await deps.objects.fresh()
    const current = deps.objects.get(kind, namespace, name)
    if (!current) throw notFound(kind, name)
    checkPreconditions(kind, current, options)
    await admit(deps, {
      ...request,
      operation: 'delete',
      object: current,
      before: current,
      dryRun: options.dryRun,
    } as Parameters<typeof admit>[1])
    const deletion = await deleteOnce(deps, request, current)
    if (deletion) return deletion
  }
  throw modified(kind, name)
}

/** @returns undefined when another write came between */
async function deleteOnce(
  deps: WriteDeps,
  { kind, options }: DeleteRequest,
  current: KubeObject,
): Promise<Deletion | undefined> {
  const plan = planDeletion(kind, current, options, deps.clock.nowMs())
  switch (plan.type) {
    case 'nothing':
      return { object: current, removed: false }
    case 'mark': {
      if (options.dryRun) return { object: plan.object, removed: false }
      const object = await deps.objects.replace(kind, current, plan.object)
      return object === 'conflict' ? undefined : { object, removed: false }
    }
    case 'remove': {
      if (options.dryRun) return { object: current, removed: true }
      const object = await deps.objects.remove(kind, current)
      if (object === 'conflict') return undefined
      await releaseAll(deps, kind, current)
      return { object, removed: true }
    }
    default:
      return plan satisfies never
  }
}

function checkPreconditions(kind: Kind, current: KubeObject, { preconditions }: DeleteOptions): void {
  const { name, uid = '', resourceVersion = '' } = current.metadata
  if (preconditions?.uid !== undefined && preconditions.uid !== uid) {
    throw preconditionFailed(kind, name, 'UID', preconditions.uid, uid)
  }
  if (preconditions?.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion) {
    throw preconditionFailed(kind, name, 'ResourceVersion', preconditions.resourceVersion, resourceVersion)
  }
}
