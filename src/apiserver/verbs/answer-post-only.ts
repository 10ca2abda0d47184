/** Questions that are answered and not stored: 201 with the body and its status filled in. */
import type { KubeObject } from '#api/meta.ts'
import type { ApiRequest, ApiResponse, UserInfo } from '#api/wire.ts'
import { methodNotAllowed } from '../api-errors.ts'
import { type Decodable, decodeBodyAs } from '../request/decode-body.ts'
import { parseWriteOptions } from '../request/parse-options.ts'
import type { ResourceInfo } from '../request/parse-request-info.ts'

interface PostOnly extends Decodable {
  readonly plural: string
  readonly answer: (review: KubeObject, asker: UserInfo) => Promise<KubeObject>
}

export async function answerPostOnly(request: ApiRequest, info: ResourceInfo, review: PostOnly): Promise<ApiResponse> {
  if (info.verb !== 'create') throw methodNotAllowed(review, info.verb)
  const { fieldValidation } = parseWriteOptions(request.query, 'Create')
  const warnings = new Set<string>()
  const object = decodeBodyAs({ request }, review, fieldValidation, (text) => void warnings.add(text))
  if (info.namespace !== undefined) object.metadata.namespace = info.namespace
  const value = await review.answer(object, request.user)
  return {
    status: 201,
    headers: { 'content-type': 'application/json' },
    body: { type: 'object', value },
    ...(warnings.size > 0 && { warnings: [...warnings] }),
  }
}
