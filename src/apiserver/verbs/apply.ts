/** Server-side apply: the client says what it wants of an object, the server remembers who wants what. */
import { applyDefaults } from '#api/default-object.ts'
import { apiVersionOf } from '#api/kind.ts'
import type { KubeObject } from '#api/meta.ts'
import type { ApiResponse } from '#api/wire.ts'
import { answerObject } from '../answer/render-answer.ts'
import { applyConflicts, badRequest, conflict, invalidOptions } from '../api-errors.ts'
import { applyConfig, type ApplyRequest } from '../apply/apply-config.ts'
import { formatPath } from '../apply/field-set.ts'
import { entriesOf, type Owner, type Writer } from '../apply/managed-fields.ts'
import { DuplicateItem } from '../apply/walk-schema.ts'
import { authorizeRequest } from '../authorize-request.ts'
import { type Call, nameOf, writerOf, typeInBody } from '../call.ts'
import { decodeValue } from '../request/decode-body.ts'
import { parseWriteOptions, type WriteOptions } from '../request/parse-options.ts'
import { isTrue } from '../request/parse-request-info.ts'
import { checkSize, decodeText, readYaml } from '../request/read-body.ts'
import type { ServerDeps } from '../server-deps.ts'
import { createObject } from '../write/create-object.ts'
import { checkNameOfPath, placeObject, timestamp } from '../write/object-metadata.ts'
import { updateObject } from '../write/update-object.ts'

export const applyPatchType = 'application/apply-patch+yaml'

export async function apply(deps: ServerDeps, call: Call): Promise<ApiResponse> {
  const options = parseWriteOptions(call.request.query, 'Patch')
  const wish = wishOf(deps, call, options)
  await deps.objects.fresh()
  const exists = deps.objects.get(call.kind, call.namespace, nameOf(call)) !== undefined
  if (!exists && call.info.subresource === undefined) return create(deps, call, wish, options)
  const { subresource } = call.info
  let owners: readonly Owner[] = []
  const updated = await updateObject(deps, {
    ...writerOf(call),
    name: nameOf(call),
    dryRun: options.dryRun,
    ...(subresource !== undefined && { subresource }),
    change: (current) => {
      const applied = applyOrRefuse(call, { ...wish, live: current })
      owners = applied.owners
      const object = structuredClone(applied.object)
      if (wish.config.metadata.resourceVersion === undefined) delete object.metadata.resourceVersion
      applyDefaults(call.kind, object, current)
      return object
    },
    managedFields: () => entriesOf(owners),
  })
  return answerObject(call, updated, deps.clock.nowMs())
}

async function create(deps: ServerDeps, call: Call, wish: ApplyRequest, options: WriteOptions): Promise<ApiResponse> {
  await authorizeRequest(deps.authorize, call.request, { ...call.info, verb: 'create' })
  const { uid } = wish.config.metadata
  if (uid !== undefined) {
    throw conflict(
      call.kind,
      nameOf(call),
      `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`,
    )
  }
  const { object: config, owners } = applyOrRefuse(call, wish)
  const object = structuredClone(config)
  applyDefaults(call.kind, object)
  const request = { ...writerOf(call), object, dryRun: options.dryRun, managedFields: entriesOf(owners) }
  return answerObject(call, await createObject(deps, request), deps.clock.nowMs(), 201)
}

function applyOrRefuse(call: Call, request: ApplyRequest): { object: KubeObject; owners: readonly Owner[] } {
  try {
    const applied = applyConfig(request)
    if (applied.type === 'applied') return applied
    throw applyConflicts(
      applied.conflicts.map(({ owner, path }) => ({ who: describeOwner(owner), field: formatPath(path) })),
    )
  } catch (error) {
    if (!(error instanceof DuplicateItem)) throw error
    throw badRequest(`failed to create typed patch object (${call.namespace ?? ''}/${nameOf(call)}): ${error.message}`)
  }
}

/** As conflicts name an owner. */
function describeOwner({ manager, operation, apiVersion, subresource, time }: Owner): string {
  const name = JSON.stringify(manager) + (subresource ? ` with subresource ${JSON.stringify(subresource)}` : '')
  if (operation === 'Apply') return name
  return `${name} using ${apiVersion}${time === undefined ? '' : ` at ${time}`}`
}

function wishOf(deps: ServerDeps, call: Call, options: WriteOptions): ApplyRequest {
  const { kind, info } = call
  const manager = options.fieldManager
  if (manager === undefined) {
    throw invalidOptions('PatchOptions', [
      {
        field: 'fieldManager',
        reason: 'FieldValueRequired',
        message: 'Required value: is required for apply patch',
      },
    ])
  }
  const writer: Writer = {
    manager,
    operation: 'Apply',
    apiVersion: apiVersionOf(kind),
    ...(info.subresource !== undefined && { subresource: info.subresource }),
  }
  return {
    schema: kind.schema,
    config: configOf(call),
    writer,
    force: isTrue(call.request.query.get('force')),
    time: timestamp(deps.clock.nowMs()),
  }
}

function configOf(call: Call): KubeObject {
  const value = readConfig(call)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badRequest('error decoding patch: the applied configuration is not an object')
  }
  const { apiVersion, kind } = value as Partial<KubeObject>
  if (!apiVersion || !kind)
    throw badRequest('error decoding patch: apiVersion and kind of the configuration must be set')
  if (apiVersion !== apiVersionOf(typeInBody(call)) || kind !== call.kind.kind) {
    throw badRequest(
      `invalid object type: ${JSON.stringify(apiVersion)}, Kind=${JSON.stringify(kind)} does not match the path`,
    )
  }
  const config = decodeValue(call.kind, value, {
    validation: 'Strict',
    warn: (text) => void call.warnings.add(text),
  })
  if (config.metadata.managedFields) throw badRequest('metadata.managedFields must be nil')
  placeObject(call.kind, config, call.namespace)
  checkNameOfPath(config, nameOf(call))
  return withinScope(call, config)
}

function readConfig({ request }: Call): unknown {
  const { body } = request
  return body instanceof Uint8Array ? readYaml(decodeText(checkSize(body))) : body
}

/** The main resource says nothing of the status, the status nothing else. */
function withinScope({ info, kind }: Call, config: KubeObject): KubeObject {
  const { status, ...rest } = config as KubeObject & { status?: unknown }
  if (info.subresource !== 'status') return kind.hasStatus ? (rest as KubeObject) : config
  const { apiVersion, kind: name, metadata } = config
  return { apiVersion, kind: name, metadata, ...(status !== undefined && { status }) } as KubeObject
}
