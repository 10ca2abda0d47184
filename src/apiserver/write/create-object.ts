/** Creation: identity, admission, the kind's own rules, allocation, store. */
import type { Kind } from '#api/kind.ts'
import type { KubeObject, ManagedFieldsEntry } from '#api/meta.ts'
import type { UserInfo } from '#api/wire.ts'
import { copyJson } from '#lib/copy-json.ts'
import { alreadyExists, badRequest, beingDeleted, invalid } from '../api-errors.ts'
import { checkQuotas } from '../quota/charge-writes.ts'
import { generateName, placeObject, stampNew } from './object-metadata.ts'
import { admit, completeAll, reserveAll, type Write, type WriteDeps } from './write.ts'

export interface CreateRequest {
  readonly kind: Kind
  readonly namespace: string | undefined
  /** Decoded and defaulted; belongs to the server. */
  readonly object: KubeObject
  readonly user: UserInfo
  readonly dryRun: boolean
  readonly warn: (text: string) => void
  /** Who owns what, for objects that begin with an apply. */
  readonly managedFields?: ManagedFieldsEntry[]
}

const generateAttempts = 8

export async function createObject(deps: WriteDeps, request: CreateRequest): Promise<KubeObject> {
  const { kind, object } = request
  placeObject(kind, object, request.namespace)
  if ((object.metadata.resourceVersion ?? '') !== '') {
    throw badRequest('resourceVersion should not be set on objects to be created')
  }
  const base = object.metadata.name ? undefined : object.metadata.generateName
  if (base === undefined || base === '') return (await createOnce(deps, request, object)) ?? alreadyThere(deps, request)
  for (let attempt = 1; attempt <= generateAttempts; attempt++) {
    const named = copyJson(object)
    named.metadata.name = generateName(base)
    const created = await createOnce(deps, request, named)
    if (created) return created
  }
  throw alreadyExists(kind, base)
}

/** @returns undefined when the name is taken */
async function createOnce(
  deps: WriteDeps,
  request: CreateRequest,
  object: KubeObject,
): Promise<KubeObject | undefined> {
  const { kind, dryRun } = request
  stampNew(kind, object, deps.clock.nowMs())
  if (request.managedFields) object.metadata.managedFields = request.managedFields
  if (kind.hasStatus && !keepsStatusOnCreate(kind)) delete (object as { status?: unknown }).status
  const write: Write = { ...request, operation: 'create', name: object.metadata.name, object } as Write
  await admit(deps, write)
  kind.prepare?.(object)
  if (kind.hasStatus) (object as { status?: unknown }).status ??= {}
  check(kind, object)
  completeAll(deps, write)
  for (const text of kind.warnings?.(object) ?? []) request.warn(text)
  const reservation = await reserveAll(deps, write)
  try {
    if (reservation) check(kind, object)
    await deps.objects.fresh()
    if (dryRun) {
      checkQuotas(deps.objects, { kind, after: object }, deps.clock.nowMs())
      const taken = deps.objects.get(kind, object.metadata.namespace, object.metadata.name)
      await reservation?.revert()
      return taken ? undefined : object
    }
    const created = await deps.objects.create(kind, object)
    if (created === 'conflict') {
      await reservation?.revert()
      return undefined
    }
    await reservation?.commit()
    return created
  } catch (error) {
    await reservation?.revert()
    throw error
  }
}

function check(kind: Kind, object: KubeObject): void {
  const findings = kind.validate(object, {})
  if (findings.length > 0) throw invalid(kind, object.metadata.name ?? '', findings)
}

function alreadyThere(deps: WriteDeps, { kind, object }: CreateRequest): never {
  const { namespace, name } = object.metadata
  const existing = deps.objects.get(kind, namespace, name)
  throw existing?.metadata.deletionTimestamp !== undefined ? beingDeleted(kind, name) : alreadyExists(kind, name)
}

/** A node registers with its capacity and addresses in one request. */
function keepsStatusOnCreate(kind: Kind): boolean {
  return kind.group === '' && kind.plural === 'nodes'
}
