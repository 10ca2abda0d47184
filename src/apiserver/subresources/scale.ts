/** `…/scale`: the number of replicas of anything that has one, as an autoscaling/v1 Scale. */
import { apiVersionOf, type Kind } from '#api/kind.ts'
import type { KubeObject } from '#api/meta.ts'
import { Scale as scaleSchema, type Scale } from '#api/scale.ts'
import type { ApiResponse } from '#api/wire.ts'
import { answerObject } from '../answer/render-answer.ts'
import { invalid, notFound } from '../api-errors.ts'
import { type Call, nameOf, writerOf } from '../call.ts'
import { decodeBodyAs, decodeValue, type Strictness } from '../request/decode-body.ts'
import { parseWriteOptions, type WriteOptions } from '../request/parse-options.ts'
import type { ServerDeps } from '../server-deps.ts'
import { parsePatch } from '../verbs/patch.ts'
import { updateObject } from '../write/update-object.ts'
import { scaleColumns } from './scale-columns.ts'

const scaleKind = { group: 'autoscaling', version: 'v1', kind: 'Scale', schema: scaleSchema }

export async function getScale(deps: ServerDeps, call: Call): Promise<ApiResponse> {
  await deps.objects.fresh()
  const object = deps.objects.get(call.kind, call.namespace, nameOf(call))
  if (!object) throw notFound(call.kind, nameOf(call))
  return answerScale(deps, call, object)
}

export async function updateScale(deps: ServerDeps, call: Call): Promise<ApiResponse> {
  const options = parseWriteOptions(call.request.query, 'Update')
  const wanted = decodeBodyAs(call, scaleKind, options.fieldValidation, (text) => void call.warnings.add(text))
  return write(deps, call, options, () => wanted)
}

export async function patchScale(deps: ServerDeps, call: Call): Promise<ApiResponse> {
  const options = parseWriteOptions(call.request.query, 'Patch')
  const scaleCall: Call = { ...call, kind: { ...call.kind, schema: scaleSchema as unknown as Kind['schema'] } }
  const patch = parsePatch(scaleCall)
  const strictness: Strictness = {
    validation: options.fieldValidation,
    warn: (text) => void call.warnings.add(text),
    duplicates: patch.duplicates,
  }
  return write(deps, call, options, (current) => {
    const before = scaleOf(call.kind, current)
    const patched = decodeValue(scaleKind, patch.apply(before) as object, strictness)
    if (patched.metadata.resourceVersion === before.metadata.resourceVersion) delete patched.metadata.resourceVersion
    return patched
  })
}

/** uid and resourceVersion of a Scale are those of what it scales, and preconditions in a write. */
async function write(
  deps: ServerDeps,
  call: Call,
  options: WriteOptions,
  wantedFor: (current: KubeObject) => Scale,
): Promise<ApiResponse> {
  const updated = await updateObject(deps, {
    ...writerOf(call),
    name: nameOf(call),
    subresource: 'scale',
    dryRun: options.dryRun,
    change: (current) => scaled(call, current, wantedFor(current)),
    scope: (proposed) => proposed,
  })
  return answerScale(deps, call, updated)
}

function scaled(call: Call, current: KubeObject, { metadata, spec }: Scale): KubeObject {
  const replicas = spec.replicas ?? 0
  if (replicas < 0) {
    const message = `Invalid value: ${replicas}: must be greater than or equal to 0`
    throw invalid(scaleKind, nameOf(call), [{ field: 'spec.replicas', reason: 'FieldValueInvalid', message }])
  }
  const { name, namespace, uid, resourceVersion } = current.metadata
  const object = structuredClone(current) as KubeObject & { spec: { replicas?: number } }
  object.spec.replicas = replicas
  object.metadata.name = metadata.name || name
  if (namespace !== undefined) object.metadata.namespace = metadata.namespace || namespace
  if (metadata.uid ?? uid) object.metadata.uid = (metadata.uid ?? uid)!
  if (metadata.resourceVersion === undefined || metadata.resourceVersion === '') delete object.metadata.resourceVersion
  else object.metadata.resourceVersion = metadata.resourceVersion
  if (resourceVersion === undefined) delete object.metadata.resourceVersion
  return object
}

function answerScale(deps: ServerDeps, call: Call, object: KubeObject): ApiResponse {
  const columns = { ...call, kind: { ...call.kind, columns: scaleColumns } as unknown as Kind }
  return answerObject(columns, scaleOf(call.kind, object), deps.clock.nowMs())
}

export function scaleOf(kind: Kind, object: KubeObject): Scale {
  const rules = kind.scale
  if (!rules) throw new Error(`Cannot scale a ${kind.kind}: it declares no scale`)
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  const selector = rules.selector(object)
  return {
    kind: 'Scale',
    apiVersion: apiVersionOf(scaleKind),
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      ...(uid !== undefined && { uid }),
      ...(resourceVersion !== undefined && { resourceVersion }),
      ...(creationTimestamp !== undefined && { creationTimestamp }),
    },
    spec: { replicas: rules.replicas(object) },
    status: { replicas: rules.statusReplicas(object), ...(selector !== '' && { selector }) },
  }
}
