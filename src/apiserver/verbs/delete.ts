import type { Status } from '#api/meta.ts'
import type { ApiResponse } from '#api/wire.ts'
import { answerObject, answerStatus } from '../answer/render-answer.ts'
import { about } from '../api-errors.ts'
import { type Call, nameOf, writerOf } from '../call.ts'
import { parseDeleteOptions } from '../request/parse-delete-options.ts'
import type { ServerDeps } from '../server-deps.ts'
import { type Deletion, deleteObject } from '../write/delete-object.ts'

/** Named `remove` because `delete` is a word of the language. */
export async function remove(deps: ServerDeps, call: Call): Promise<ApiResponse> {
  const options = parseDeleteOptions(call.request)
  const deletion = await deleteObject(deps, { ...writerOf(call), name: nameOf(call), options })
  if (!deletion.removed || call.kind.deleteReturnsObject) {
    return answerObject(call, deletion.object, deps.clock.nowMs())
  }
  return answerStatus(call, successStatus(call, deletion))
}

function successStatus({ kind }: Call, { object }: Deletion): Status {
  const { name, uid } = object.metadata
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { ...about(kind, name), ...(uid !== undefined && { uid }) },
  }
}
