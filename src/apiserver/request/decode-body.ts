/** Request bodies as objects of a kind: checked, without unknown fields, and the server's own. */
import { decodeObject, describeStrictErrors, describeTypeErrors, describeUnknownField } from '#api/decode-object.ts'
import { apiVersionOf, type Kind } from '#api/kind.ts'
import type { KubeObject } from '#api/meta.ts'
import type { ObjectSchema } from '#api/schema.ts'
import { badRequest } from '../api-errors.ts'
import { type Call, typeInBody } from '../call.ts'
import type { WriteOptions } from './parse-options.ts'
import { readBody } from './read-body.ts'

/** What decoding needs to know of a kind; also subresource kinds (Scale, Eviction) have it. */
export interface Decodable<T = KubeObject> {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly schema: ObjectSchema<T>
}

type FieldValidation = WriteOptions['fieldValidation']
type Warn = (text: string) => void

/** The body as an object of the call's kind, without defaults. */
export function decodeBody(call: Call, options: WriteOptions): KubeObject {
  const warn = (text: string) => void call.warnings.add(text)
  const body = readBody(call.request)
  const value = checkType(body.value, typeInBody(call))
  return decodeValue(call.kind, value, { validation: options.fieldValidation, warn, duplicates: body.duplicates })
}

/** The body as an object of another kind than the path's, without defaults. */
export function decodeBodyAs<T extends object>(
  { request }: Pick<Call, 'request'>,
  kind: Decodable<T>,
  validation: FieldValidation,
  warn: Warn,
): T {
  const body = readBody(request)
  const value = checkType(body.value, kind)
  return decodeValue(kind, value, { validation, warn, duplicates: body.duplicates })
}

export interface Strictness {
  readonly validation: FieldValidation
  readonly warn: Warn
  readonly duplicates?: () => string[]
}

/** Gives back a fresh object; throws 400 for wrong types, and for unknown fields when validation is strict. */
export function decodeValue<T extends object>(kind: Decodable<T>, value: object, strictness: Strictness): T {
  const { value: decoded, unknown, errors } = decodeObject(kind.schema, value)
  const wrong = describeTypeErrors(kind, errors)
  if (wrong !== undefined) throw badRequest(wrong)
  reportProblems(kind, unknown, strictness)
  const object = decoded as KubeObject
  object.apiVersion = apiVersionOf(kind)
  object.kind = kind.kind
  object.metadata ??= {} as KubeObject['metadata']
  dropEmptyMetadata(object)
  return decoded
}

function reportProblems(
  kind: Pick<Kind, 'version' | 'kind'>,
  unknown: readonly string[],
  strictness: Strictness,
): void {
  const { validation, warn, duplicates } = strictness
  if (validation === 'Ignore') return
  const twice = duplicates?.() ?? []
  if (unknown.length === 0 && twice.length === 0) return
  const problems = [
    ...twice.map((path) => `duplicate field ${JSON.stringify(path)}`),
    ...unknown.map(describeUnknownField),
  ]
  if (validation === 'Strict') throw badRequest(describeStrictErrors(kind, problems))
  for (const problem of problems) warn(problem)
}

/** The path says what the body is; the body may say it too, but nothing else. */
function checkType(value: unknown, kind: Decodable<unknown>): object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badRequest(`the body of the request is not a ${kind.kind} object`)
  }
  const { apiVersion, kind: name } = value as Record<string, unknown>
  const expected = apiVersionOf(kind)
  if (apiVersion !== undefined && apiVersion !== '' && apiVersion !== expected) {
    throw badRequest(
      `the API version in the data (${textOf(apiVersion)}) does not match the expected API version (${expected})`,
    )
  }
  if (name !== undefined && name !== '' && name !== kind.kind) {
    throw badRequest(`${textOf(name)} in version "${kind.version}" cannot be handled as a ${kind.kind}`)
  }
  return value
}

/** Anything that a client may have put where a word belongs. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Absent and empty are the same in metadata, so that neither makes a difference to a write. */
function dropEmptyMetadata({ metadata }: KubeObject): void {
  const fields = ['labels', 'annotations', 'finalizers', 'ownerReferences', 'managedFields'] as const
  for (const field of fields) if (metadata[field] && Object.keys(metadata[field]).length === 0) delete metadata[field]
}
