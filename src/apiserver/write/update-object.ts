/** Updates of an existing object, from PUT, PATCH and subresources alike. */
import { apiVersionOf, type Finding, type Kind } from '#api/kind.ts'
import type { KubeObject, ManagedFieldsEntry } from '#api/meta.ts'
import type { UserInfo } from '#api/wire.ts'
import { copyJson } from '#lib/copy-json.ts'
import { conflict, invalid, modified, notFound } from '../api-errors.ts'
import { entriesOf, ownersAfterUpdate, type Writer } from '../apply/managed-fields.ts'
import { checkQuotas } from '../quota/charge-writes.ts'
import { scopeEphemeralContainers } from '../subresources/ephemeral-containers.ts'
import {
  checkFinalizers,
  checkNameOfPath,
  finalizersOf,
  keepServerFields,
  placeObject,
  timestamp,
} from './object-metadata.ts'
import { sameJson } from './same-json.ts'
import { admit, completeAll, releaseAll, reserveAll, type Write, type WriteDeps } from './write.ts'

export interface UpdateRequest {
  readonly kind: Kind
  readonly namespace: string | undefined
  readonly name: string
  readonly subresource?: string
  readonly user: UserInfo
  readonly dryRun: boolean
  readonly warn: (text: string) => void
  /**
   * The wanted object, made from the current one without changing it; belongs to the server. Runs again after a race.
   * Its resourceVersion and uid, where set, are preconditions.
   */
  readonly change: (current: KubeObject) => KubeObject | Promise<KubeObject>
  /** PUT demands a resourceVersion from kinds without unconditional update. */
  readonly demandsVersion?: boolean
  /** Name of the client, as owner of the fields that it changes. */
  readonly manager?: string
  /** Who owns what after an apply; by default derived from what changes, for objects that were ever applied. */
  readonly managedFields?: () => ManagedFieldsEntry[]
  /** Which parts the change may touch; default: by subresource. */
  readonly scope?: (proposed: KubeObject, current: KubeObject) => KubeObject
}

/** Races that are lost before the answer is a conflict. */
const attempts = 5

export async function updateObject(deps: WriteDeps, request: UpdateRequest): Promise<KubeObject> {
  const { kind, namespace, name } = request
  for (let attempt = 1; attempt <= attempts; attempt++) {
    await deps.objects.fresh()
    const current = deps.objects.get(kind, namespace, name)
    if (!current) throw notFound(kind, name)
    const proposed = await request.change(current)
    const versioned = checkPreconditions(request, proposed, current)
    const updated = await updateOnce(deps, request, proposed, current)
    if (updated !== 'conflict') return updated
    if (versioned) break
  }
  throw modified(kind, name)
}

/** @returns whether the client named the version that it wants to replace */
function checkPreconditions(request: UpdateRequest, proposed: KubeObject, current: KubeObject): boolean {
  const { kind, name } = request
  const { uid, resourceVersion = '' } = proposed.metadata
  if (uid !== undefined && uid !== '' && uid !== current.metadata.uid) {
    throw conflict(
      kind,
      name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.metadata.uid}`,
    )
  }
  if (resourceVersion === '' || resourceVersion === '0') {
    if (request.demandsVersion && !kind.unconditionalUpdate) throw invalid(kind, name, [versionMissing])
    return false
  }
  if (resourceVersion !== current.metadata.resourceVersion) throw modified(kind, name)
  return true
}

const versionMissing: Finding = {
  field: 'metadata.resourceVersion',
  reason: 'FieldValueInvalid',
  message: 'Invalid value: 0: must be specified for an update',
}

async function updateOnce(
  deps: WriteDeps,
  request: UpdateRequest,
  proposed: KubeObject,
  current: KubeObject,
): Promise<KubeObject | 'conflict'> {
  const { kind, namespace, name, subresource, dryRun } = request
  placeObject(kind, proposed, namespace)
  checkNameOfPath(proposed, name)
  keepServerFields(proposed, current)
  const object = (request.scope ?? scopeOf(kind, subresource))(proposed, current)
  const write: Write = { ...request, operation: 'update', object, before: current } as Write
  await admit(deps, write)
  kind.prepare?.(object, current)
  if (subresource === undefined) completeAll(deps, write)
  countGeneration(kind, object, current)
  trackOwners(deps, request, object, current)
  check(request, object, current)
  if (subresource === undefined) for (const text of kind.warnings?.(object, current) ?? []) request.warn(text)
  const reservation = subresource === undefined ? await reserveAll(deps, write) : undefined
  try {
    if (reservation) check(request, object, current)
    if (sameJson(object, current)) {
      await reservation?.revert()
      return current
    }
    if (dryRun) {
      checkQuotas(deps.objects, { kind, before: current, after: object }, deps.clock.nowMs())
      await reservation?.revert()
      return object
    }
    const gone = isReadyToGo(kind, object)
    const stored = await (gone ? removeWith(deps, kind, current, object) : deps.objects.replace(kind, current, object))
    if (stored === 'conflict') await reservation?.revert()
    else await reservation?.commit()
    if (gone && stored !== 'conflict') await releaseAll(deps, kind, object)
    return stored
  } catch (error) {
    await reservation?.revert()
    throw error
  }
}

/** The main resource leaves `status` alone, the status subresource leaves everything but metadata and `status`. */
function scopeOf(kind: Kind, subresource: string | undefined): NonNullable<UpdateRequest['scope']> {
  if (subresource === 'status') {
    return (proposed, current) => withStatusOf(proposed, { ...current, metadata: proposed.metadata })
  }
  if (subresource === 'ephemeralcontainers') return scopeEphemeralContainers
  if (subresource === undefined && kind.hasStatus) return (proposed, current) => withStatusOf(current, proposed)
  return (proposed) => proposed
}

function withStatusOf(source: KubeObject, object: KubeObject): KubeObject {
  const { status } = source as { status?: unknown }
  const { status: _, ...rest } = object as KubeObject & { status?: unknown }
  // A copy, because admission and the kind's rules may change the object while `source` may be shared.
  return copyJson(status === undefined ? rest : { ...rest, status }) as KubeObject
}

/** Fields have owners from the first apply on; before that, nobody asks. */
function trackOwners(deps: WriteDeps, request: UpdateRequest, object: KubeObject, current: KubeObject): void {
  const { kind, manager = 'unknown', subresource } = request
  if (request.managedFields) object.metadata.managedFields = request.managedFields()
  else if (current.metadata.managedFields?.length) {
    const writer: Writer = {
      manager,
      operation: 'Update',
      apiVersion: apiVersionOf(kind),
      ...(subresource !== undefined && { subresource }),
    }
    const now = timestamp(deps.clock.nowMs())
    object.metadata.managedFields = entriesOf(ownersAfterUpdate(kind.schema, [current, object], writer, now))
  }
}

function countGeneration(kind: Kind, object: KubeObject, current: KubeObject): void {
  if (!kind.hasGeneration) return
  const { metadata: newMetadata, status: _new, ...wanted } = object as KubeObject & { status?: unknown }
  const { metadata: oldMetadata, status: _old, ...before } = current as KubeObject & { status?: unknown }
  // Consumers of an EndpointSlice read its labels as part of what it means.
  const labelsCount = kind.plural === 'endpointslices'
  if (sameJson(wanted, before) && !(labelsCount && !sameJson(newMetadata.labels, oldMetadata.labels))) return
  object.metadata.generation = (current.metadata.generation ?? 0) + 1
}

function check({ kind, name, subresource }: UpdateRequest, object: KubeObject, before: KubeObject): void {
  const context = subresource === undefined ? { before } : { before, subresource }
  const findings = [...checkFinalizers(object, before), ...kind.validate(object, context)]
  if (findings.length > 0) throw invalid(kind, name, findings)
}

/** Marked for deletion, and nobody holds it any longer. */
function isReadyToGo(kind: Kind, object: KubeObject): boolean {
  return (
    object.metadata.deletionTimestamp !== undefined &&
    (object.metadata.deletionGracePeriodSeconds ?? 0) === 0 &&
    finalizersOf(kind, object).length === 0
  )
}

/** The answer shows the object as the update left it. */
async function removeWith(deps: WriteDeps, kind: Kind, current: KubeObject, object: KubeObject) {
  const removed = await deps.objects.remove(kind, current)
  if (removed === 'conflict') return 'conflict'
  return { ...object, metadata: { ...object.metadata, resourceVersion: removed.metadata.resourceVersion! } }
}
