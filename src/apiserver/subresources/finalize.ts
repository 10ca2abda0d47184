/** `PUT namespaces/NAME/finalize`: the namespace controller's last word. Only `spec.finalizers` is taken over. */
import type { Namespace } from '#api/namespace.ts'
import type { ApiResponse } from '#api/wire.ts'
import { answerObject } from '../answer/render-answer.ts'
import { type Call, nameOf, writerOf } from '../call.ts'
import { decodeBody } from '../request/decode-body.ts'
import { parseWriteOptions } from '../request/parse-options.ts'
import type { ServerDeps } from '../server-deps.ts'
import { updateObject } from '../write/update-object.ts'

export async function finalizeNamespace(deps: ServerDeps, call: Call): Promise<ApiResponse> {
  const options = parseWriteOptions(call.request.query, 'Update')
  const wanted = decodeBody(call, options) as Namespace
  const updated = await updateObject(deps, {
    ...writerOf(call),
    name: nameOf(call),
    subresource: 'finalize',
    dryRun: options.dryRun,
    change: () => structuredClone(wanted),
    scope: (proposed, current) => {
      const finalizers = (proposed as Namespace).spec?.finalizers ?? []
      const namespace = structuredClone(current) as Namespace
      namespace.spec = finalizers.length > 0 ? { ...namespace.spec, finalizers } : {}
      return namespace
    },
  })
  return answerObject(call, updated, deps.clock.nowMs())
}
