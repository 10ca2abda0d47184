import { isNotFound } from '#api/status-error.ts'
import type { KubeObject } from '#api/meta.ts'
import type { ApiResponse } from '#api/wire.ts'
import { answerList } from '../answer/render-answer.ts'
import { type Call, writerOf } from '../call.ts'
import { parseDeleteOptions } from '../request/parse-delete-options.ts'
import type { ServerDeps } from '../server-deps.ts'
import { deleteObject } from '../write/delete-object.ts'
import { listPage } from './list.ts'

/** Deletes what the selectors find; what somebody else removed meanwhile counts as done. */
export async function deleteCollection(deps: ServerDeps, call: Call): Promise<ApiResponse> {
  const options = parseDeleteOptions(call.request)
  const page = await listPage(deps, call)
  const deleteOne = async ({ metadata }: KubeObject): Promise<KubeObject[]> => {
    try {
      const request = { ...writerOf(call), namespace: metadata.namespace, name: metadata.name, options }
      return [(await deleteObject(deps, request)).object]
    } catch (error) {
      if (isNotFound(error)) return []
      throw error
    }
  }
  // At once, so that the store can commit them together.
  const objects = (await Promise.all(page.objects.map(deleteOne))).flat()
  return answerList(call, { objects, metadata: page.metadata }, deps.clock.nowMs())
}
