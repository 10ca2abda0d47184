/** `POST pods/NAME/binding`: the scheduler's decision. */
import { Binding as bindingSchema, type Binding } from '#api/binding.ts'
import type { KubeObject } from '#api/meta.ts'
import type { Pod } from '#api/pod.ts'
import type { ApiResponse } from '#api/wire.ts'
import { copyJson } from '#lib/copy-json.ts'
import { answerStatus } from '../answer/render-answer.ts'
import { conflict, invalid } from '../api-errors.ts'
import { type Call, nameOf, writerOf } from '../call.ts'
import { decodeBodyAs } from '../request/decode-body.ts'
import { parseWriteOptions } from '../request/parse-options.ts'
import type { ServerDeps } from '../server-deps.ts'
import { checkNameOfPath, timestamp } from '../write/object-metadata.ts'
import { updateObject } from '../write/update-object.ts'

const bindingKind = { group: '', version: 'v1', kind: 'Binding', schema: bindingSchema }

export async function bindPod(deps: ServerDeps, call: Call): Promise<ApiResponse> {
  const options = parseWriteOptions(call.request.query, 'Create')
  const binding = decodeBodyAs(call, bindingKind, options.fieldValidation, (text) => void call.warnings.add(text))
  checkNameOfPath(binding, nameOf(call))
  checkTarget(binding)
  await updateObject(deps, {
    ...writerOf(call),
    name: nameOf(call),
    subresource: 'binding',
    dryRun: options.dryRun,
    change: (current) => boundPod(call, current as Pod, binding, deps.clock.nowMs()),
    scope: (proposed) => proposed,
  })
  return answerStatus(call, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }, 201)
}

function checkTarget({ metadata, target }: Binding): void {
  if (target?.name && (target.kind === undefined || target.kind === '' || target.kind === 'Node')) return
  throw invalid(bindingKind, metadata.name, [
    target?.name
      ? {
          field: 'target.kind',
          reason: 'FieldValueNotSupported',
          message: `Unsupported value: "${target.kind}": supported values: "Node", "<empty>"`,
        }
      : { field: 'target.name', reason: 'FieldValueRequired', message: 'Required value' },
  ])
}

function boundPod(call: Call, current: Pod, { metadata, target }: Binding, nowMs: number): KubeObject {
  const { name, deletionTimestamp } = current.metadata
  const refuse = (why: string) => conflict({ group: '', plural: 'pods/binding' }, nameOf(call), why)
  if (deletionTimestamp !== undefined) throw refuse(`pod ${name} is being deleted, cannot be assigned to a host`)
  if (current.spec.nodeName) throw refuse(`pod ${name} is already assigned to node "${current.spec.nodeName}"`)
  const pod = copyJson(current)
  delete pod.metadata.resourceVersion
  if (metadata.uid) pod.metadata.uid = metadata.uid
  if (metadata.annotations) pod.metadata.annotations = { ...pod.metadata.annotations, ...metadata.annotations }
  pod.spec.nodeName = target.name!
  const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'PodScheduled')
  const scheduled = { type: 'PodScheduled', status: 'True', lastTransitionTime: timestamp(nowMs) } as const
  pod.status = { ...pod.status, conditions: [...others, scheduled] }
  return pod
}
