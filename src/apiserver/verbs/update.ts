import { applyDefaults } from '#api/default-object.ts'
import type { KubeObject } from '#api/meta.ts'
import type { ApiResponse } from '#api/wire.ts'
import { copyJson } from '#lib/copy-json.ts'
import { answerObject } from '../answer/render-answer.ts'
import { type Call, nameOf, writerOf } from '../call.ts'
import { decodeBody } from '../request/decode-body.ts'
import { parseWriteOptions } from '../request/parse-options.ts'
import type { ServerDeps } from '../server-deps.ts'
import { createObject } from '../write/create-object.ts'
import { checkNameOfPath } from '../write/object-metadata.ts'
import { updateObject } from '../write/update-object.ts'

/** PUT of an object or of its status. */
export async function update(deps: ServerDeps, call: Call): Promise<ApiResponse> {
  const options = parseWriteOptions(call.request.query, 'Update')
  const object = decodeBody(call, options)
  const withDefaults = (wanted: KubeObject, current: KubeObject) => {
    applyDefaults(call.kind, wanted, current)
    return wanted
  }
  const { subresource } = call.info
  const writer = { ...writerOf(call), dryRun: options.dryRun }
  if (subresource === undefined && call.kind.createOnUpdate && (await isMissing(deps, call))) {
    checkNameOfPath(object, nameOf(call))
    applyDefaults(call.kind, object)
    const created = await createObject(deps, { ...writer, object })
    return answerObject(call, created, deps.clock.nowMs(), 201)
  }
  const updated = await updateObject(deps, {
    ...writer,
    name: nameOf(call),
    ...(subresource !== undefined && { subresource }),
    demandsVersion: true,
    change: (current) => withDefaults(copyJson(object), current),
  })
  return answerObject(call, updated, deps.clock.nowMs())
}

async function isMissing(deps: ServerDeps, call: Call): Promise<boolean> {
  await deps.objects.fresh()
  return deps.objects.get(call.kind, call.namespace, nameOf(call)) === undefined
}
