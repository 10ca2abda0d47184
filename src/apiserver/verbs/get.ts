import type { ApiResponse } from '#api/wire.ts'
import { answerObject } from '../answer/render-answer.ts'
import { notFound } from '../api-errors.ts'
import { type Call, nameOf } from '../call.ts'
import { awaitRevision } from '../objects/await-revision.ts'
import { parseResourceVersion } from '../request/parse-options.ts'
import type { ServerDeps } from '../server-deps.ts'

/** Any resourceVersion means: not older than that. */
export async function get(deps: ServerDeps, call: Call): Promise<ApiResponse> {
  const asked = parseResourceVersion(call.request.query.get('resourceVersion') ?? '')
  await awaitRevision(deps.objects, asked)
  const object = deps.objects.get(call.kind, call.namespace, nameOf(call))
  if (!object) throw notFound(call.kind, nameOf(call))
  return answerObject(call, object, deps.clock.nowMs())
}
