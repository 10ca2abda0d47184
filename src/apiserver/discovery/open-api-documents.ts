/** OpenAPI: version 3 rendered from the kinds when first asked for, version 2 as one empty document for old clients. */
import type { Kind } from '#api/kind.ts'
import {
  type GroupVersion,
  openApiPathOf,
  openApiV2,
  openApiV2ContentType,
  renderOpenApiIndex,
  renderOpenApiV3,
} from '#api/render-openapi.ts'
import type { ApiRequest, ApiResponse } from '#api/wire.ts'
import { hashOf, taggedAnswer } from '../answer/tagged-answer.ts'

export interface OpenApiDocuments {
  /** @param segments of the path after `/openapi` */
  answer(request: ApiRequest, segments: readonly string[]): ApiResponse | undefined
}

interface Document {
  readonly bytes: Uint8Array
  readonly hash: string
}

export function createOpenApiDocuments(kinds: readonly Kind[]): OpenApiDocuments {
  const served = new Map(kinds.map((kind): [string, GroupVersion] => [openApiPathOf(kind), kind]))
  const documents = new Map<string, Document>()
  const documentOf = (path: string): Document | undefined => {
    const known = documents.get(path)
    const asked = served.get(path)
    if (known || !asked) return known
    const bytes = Buffer.from(JSON.stringify(renderOpenApiV3(kinds, asked)))
    const document = { bytes, hash: hashOf(bytes) }
    documents.set(path, document)
    return document
  }
  const index = () =>
    renderOpenApiIndex(Object.fromEntries(Array.from(served.keys(), (path) => [path, documentOf(path)!.hash])))

  return {
    answer: (request, [version, ...rest]) => {
      if (version === 'v2' && rest.length === 0) return versionTwo(request)
      if (version !== 'v3') return undefined
      if (rest.length === 0) return taggedAnswer(request, Buffer.from(JSON.stringify(index())), jsonType)
      const document = documentOf(rest.join('/'))
      return document && versionThree(request, document)
    },
  }
}

const jsonType = { 'content-type': 'application/json', vary: 'Accept' }

/** The hash in the address makes the answer good for ever. */
function versionThree(request: ApiRequest, { bytes, hash }: Document): ApiResponse {
  const current = request.query.get('hash') === hash
  return taggedAnswer(request, bytes, { ...jsonType, ...(current && { 'cache-control': 'public, immutable' }) })
}

function versionTwo(request: ApiRequest): ApiResponse {
  const accept = request.headers['accept'] ?? ''
  if (accept.includes('json') && !accept.includes('protobuf')) {
    const document = { swagger: '2.0', info: { title: 'Kubernetes', version: 'v1.36.0' }, paths: {}, definitions: {} }
    return taggedAnswer(request, Buffer.from(JSON.stringify(document)), jsonType)
  }
  return taggedAnswer(request, openApiV2, { 'content-type': openApiV2ContentType, vary: 'Accept' })
}
