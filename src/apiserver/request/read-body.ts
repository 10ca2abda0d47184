/** Request bodies as JSON values, from any of the encodings that are accepted. */
import { load, YAML11_SCHEMA } from 'js-yaml'
import type { ApiRequest } from '#api/wire.ts'
import { badRequest, tooLarge, unsupportedMediaType } from '../api-errors.ts'
import { findDuplicateFields } from './find-duplicate-fields.ts'
import { readProtobuf } from './read-protobuf.ts'

export interface Body {
  /** May be the caller's own object: copy before changing. Undefined when there is no body. */
  readonly value: unknown
  /** Paths of fields that were given twice. */
  readonly duplicates: () => string[]
}

const mostBytes = 3 * 1024 * 1024
const acceptedTypes = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']
const none = () => []

export function mediaTypeOf(request: ApiRequest): string {
  return (request.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase()
}

export function readBody(request: ApiRequest): Body {
  const { body } = request
  if (body === undefined) return { value: undefined, duplicates: none }
  if (!(body instanceof Uint8Array)) return { value: body, duplicates: none }
  const bytes = checkSize(body)
  if (bytes.length === 0) return { value: undefined, duplicates: none }
  switch (mediaTypeOf(request)) {
    case '':
    case 'application/json':
      return readJson(decodeText(bytes))
    case 'application/yaml':
      return { value: readYaml(decodeText(bytes)), duplicates: none }
    case 'application/vnd.kubernetes.protobuf':
      return { value: readProtobuf(bytes), duplicates: none }
    default:
      throw unsupportedMediaType(acceptedTypes)
  }
}

export function checkSize(bytes: Uint8Array): Uint8Array {
  if (bytes.length > mostBytes) throw tooLarge(`Request entity too large: limit is ${mostBytes}`)
  return bytes
}

export function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw badRequest('the body of the request is not valid UTF-8')
  }
}

export function readJson(text: string): Body {
  try {
    return { value: JSON.parse(text), duplicates: () => findDuplicateFields(text) }
  } catch (error) {
    throw badRequest(`couldn't get version/kind; json parse error: ${(error as Error).message}`)
  }
}

/** Kubernetes reads YAML by the rules of version 1.1 (`yes`, `0777`). A field given twice is an error. */
export function readYaml(text: string): unknown {
  try {
    return load(text, { schema: YAML11_SCHEMA })
  } catch (error) {
    throw badRequest(`error converting YAML to JSON: ${(error as Error).message.split('\n')[0]}`)
  }
}
