import { applyDefaults } from '#api/default-object.ts'
import type { ApiResponse } from '#api/wire.ts'
import { answerObject } from '../answer/render-answer.ts'
import type { Call } from '../call.ts'
import { writerOf } from '../call.ts'
import { decodeBody } from '../request/decode-body.ts'
import { parseWriteOptions } from '../request/parse-options.ts'
import type { ServerDeps } from '../server-deps.ts'
import { createObject } from '../write/create-object.ts'

export async function create(deps: ServerDeps, call: Call): Promise<ApiResponse> {
  const options = parseWriteOptions(call.request.query, 'Create')
  const object = decodeBody(call, options)
  applyDefaults(call.kind, object)
  const created = await createObject(deps, { ...writerOf(call), object, dryRun: options.dryRun })
  return answerObject(call, created, deps.clock.nowMs(), 201)
}
