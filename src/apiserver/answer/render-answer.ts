/** Objects and lists in the form that the client asked for. */
import { apiVersionOf, type Kind } from '#api/kind.ts'
import type { KubeList, KubeObject, Status } from '#api/meta.ts'
import type { ApiResponse } from '#api/wire.ts'
import { dump } from 'js-yaml'
import type { Call } from '../call.ts'
import { type Accepted, parseAccept } from '../request/parse-accept.ts'
import { type Page, partialMetadata } from './page.ts'
import { includeObjectOf, tableOf } from './tables.ts'

export function acceptOf(call: Call): Accepted {
  return parseAccept(call.request.headers['accept'])
}

export function answerObject(call: Call, object: KubeObject, nowMs: number, status = 200): ApiResponse {
  const accepted = acceptOf(call)
  return answer(call, accepted, transformObject(call, accepted, object, nowMs), status)
}

export function answerList(call: Call, page: Page, nowMs: number): ApiResponse {
  const accepted = acceptOf(call)
  return answer(call, accepted, transformList(call, accepted, page, nowMs), 200)
}

/** A Status is never transformed. */
export function answerStatus(call: Call, status: Status, code = 200): ApiResponse {
  return answer(call, { ...acceptOf(call), as: 'object' }, status, code)
}

export function answer(call: Call, accepted: Accepted, value: object, status: number): ApiResponse {
  const warnings = [...call.warnings]
  const rest = { status, ...(warnings.length > 0 && { warnings }) }
  if (accepted.encoding === 'yaml') {
    const bytes = new TextEncoder().encode(dump(value, { noRefs: true }))
    return { ...rest, headers: { 'content-type': 'application/yaml' }, body: { type: 'bytes', value: bytes } }
  }
  return { ...rest, headers: { 'content-type': 'application/json' }, body: { type: 'object', value } }
}

export function transformObject(call: Call, accepted: Accepted, object: KubeObject, nowMs: number): object {
  switch (accepted.as) {
    case 'table': {
      const page = { objects: [object], metadata: { resourceVersion: object.metadata.resourceVersion ?? '' } }
      return tableOf(call.kind, page, { accepted, includeObject: includeObjectOf(call.request.query), nowMs })
    }
    case 'metadata':
      return partialMetadata(object, accepted.version)
    case 'metadataList':
    case 'object':
      return object
    default:
      return accepted.as satisfies never
  }
}

function transformList(call: Call, accepted: Accepted, page: Page, nowMs: number): object {
  switch (accepted.as) {
    case 'table':
      return tableOf(call.kind, page, { accepted, includeObject: includeObjectOf(call.request.query), nowMs })
    case 'metadataList':
    case 'metadata':
      return {
        kind: 'PartialObjectMetadataList',
        apiVersion: `meta.k8s.io/${accepted.version}`,
        metadata: page.metadata,
        items: page.objects.map((object) => partialMetadata(object, accepted.version)),
      }
    case 'object':
      return listOf(call.kind, page)
    default:
      return accepted.as satisfies never
  }
}

export function listOf(kind: Kind, page: Page): KubeList<KubeObject> {
  return {
    kind: `${kind.kind}List`,
    apiVersion: apiVersionOf(kind),
    metadata: page.metadata,
    items: page.objects as KubeObject[],
  }
}
