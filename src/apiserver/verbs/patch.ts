import { applyDefaults } from '#api/default-object.ts'
import type { Kind } from '#api/kind.ts'
import type { KubeObject } from '#api/meta.ts'
import { StatusError } from '#api/status-error.ts'
import type { ApiRequest, ApiResponse } from '#api/wire.ts'
import { answerObject } from '../answer/render-answer.ts'
import { badRequest, invalid, invalidOptions, unsupportedMediaType } from '../api-errors.ts'
import { type Call, nameOf, writerOf } from '../call.ts'
import { jsonPatch } from '../patch/json-patch.ts'
import { isFields, mergePatch } from '../patch/merge-patch.ts'
import { strategicMerge } from '../patch/strategic-merge.ts'
import { decodeValue, textOf } from '../request/decode-body.ts'
import { findDuplicateFields } from '../request/find-duplicate-fields.ts'
import { parseWriteOptions, type WriteOptions } from '../request/parse-options.ts'
import { checkSize, decodeText, mediaTypeOf } from '../request/read-body.ts'
import type { ServerDeps } from '../server-deps.ts'
import { apply, applyPatchType } from './apply.ts'
import { updateObject } from '../write/update-object.ts'

export interface Patch {
  /** Gives a new object; throws StatusError when the patch does not fit. */
  readonly apply: (current: KubeObject) => unknown
  readonly duplicates: () => string[]
  /** For messages. */
  readonly text: () => string
}

const patchTypes = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
] as const

export async function patch(deps: ServerDeps, call: Call): Promise<ApiResponse> {
  if (mediaTypeOf(call.request) === applyPatchType) return apply(deps, call)
  const options = parseWriteOptions(call.request.query, 'Patch')
  const { subresource } = call.info
  const parsed = parsePatch(call)
  const updated = await updateObject(deps, {
    ...writerOf(call),
    name: nameOf(call),
    dryRun: options.dryRun,
    ...(subresource !== undefined && { subresource }),
    change: (current) => patchedObject(call, parsed, current, options),
  })
  return answerObject(call, updated, deps.clock.nowMs())
}

function patchedObject(call: Call, parsed: Patch, current: KubeObject, options: WriteOptions): KubeObject {
  const value = parsed.apply(current)
  if (!isFields(value)) throw doesNotDecode(parsed, 'the result is not an object')
  checkSameType(call.kind, value)
  const object = decodePatched(call, parsed, value, options)
  applyDefaults(call.kind, object, current)
  // Not named by the patch, so no precondition: a lost race may be tried again.
  if (object.metadata.resourceVersion === current.metadata.resourceVersion) delete object.metadata.resourceVersion
  return object
}

function decodePatched(call: Call, parsed: Patch, value: object, options: WriteOptions): KubeObject {
  try {
    return decodeValue(call.kind, value, {
      validation: options.fieldValidation,
      warn: (text) => void call.warnings.add(text),
      duplicates: parsed.duplicates,
    })
  } catch (error) {
    const isTypeError = error instanceof StatusError && !error.message.includes('strict decoding error')
    throw isTypeError ? doesNotDecode(parsed, error.message) : error
  }
}

function doesNotDecode(parsed: Patch, why: string): StatusError {
  const message = `Invalid value: ${JSON.stringify(parsed.text())}: ${why}`
  return invalid({ group: '', kind: '' }, '', [{ field: 'patch', reason: 'FieldValueInvalid', message }])
}

function checkSameType(kind: Kind, value: Record<string, unknown>): void {
  if (value['kind'] !== undefined && value['kind'] !== kind.kind) {
    throw badRequest(`${textOf(value['kind'])} in version "${kind.version}" cannot be handled as a ${kind.kind}`)
  }
}

export function parsePatch({ kind, info, request }: Call): Patch {
  const type = mediaTypeOf(request)
  if (!patchTypes.some((known) => known === type)) {
    throw unsupportedMediaType(info.subresource === 'scale' ? patchTypes : [...patchTypes, applyPatchType])
  }
  if (request.query.get('force')) {
    throw invalidOptions('PatchOptions', [
      { field: 'force', reason: 'FieldValueForbidden', message: 'Forbidden: may not be specified for non-apply patch' },
    ])
  }
  const { value, text } = readPatch(request)
  const rest = { text, duplicates: () => (request.body instanceof Uint8Array ? findDuplicateFields(text()) : []) }
  if (type === 'application/json-patch+json') return { ...rest, apply: (current) => jsonPatch(current, value) }
  if (!isFields(value)) throw badRequest('error decoding patch: the patch is not an object')
  if (type === 'application/merge-patch+json') return { ...rest, apply: (current) => mergePatch(current, value) }
  return {
    ...rest,
    apply: (current) => strategicMerge(kind.schema, current as unknown as Record<string, unknown>, value),
  }
}

function readPatch({ body }: ApiRequest): { value: unknown; text: () => string } {
  if (!(body instanceof Uint8Array)) return { value: body, text: () => JSON.stringify(body) ?? '' }
  const text = decodeText(checkSize(body))
  try {
    return { value: JSON.parse(text), text: () => text }
  } catch (error) {
    throw badRequest(`error decoding patch: ${(error as Error).message}`)
  }
}
