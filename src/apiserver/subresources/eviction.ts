/** `POST pods/NAME/eviction`: a deletion that a PodDisruptionBudget may refuse. */
import { Eviction as evictionSchema } from '#api/eviction.ts'
import { matchLabelSelector } from '#api/parse-selector.ts'
import { PodDisruptionBudget } from '#api/pod-disruption-budget.ts'
import type { Pod } from '#api/pod.ts'
import type { Kind } from '#api/kind.ts'
import type { ApiResponse } from '#api/wire.ts'
import { answerStatus } from '../answer/render-answer.ts'
import { internalError, notFound, tooManyRequests } from '../api-errors.ts'
import { type Call, nameOf, writerOf } from '../call.ts'
import { decodeBodyAs } from '../request/decode-body.ts'
import { checkDeleteOptions } from '../request/parse-delete-options.ts'
import { parseWriteOptions } from '../request/parse-options.ts'
import type { ServerDeps } from '../server-deps.ts'
import { deleteObject } from '../write/delete-object.ts'
import { checkNameOfPath, timestamp } from '../write/object-metadata.ts'
import { updateObject } from '../write/update-object.ts'

const evictionKind = { group: 'policy', version: 'v1', kind: 'Eviction', schema: evictionSchema }
const budgetKind = PodDisruptionBudget as unknown as Kind

export async function evictPod(deps: ServerDeps, call: Call): Promise<ApiResponse> {
  const options = parseWriteOptions(call.request.query, 'Create')
  const warn = (text: string) => void call.warnings.add(text)
  const eviction = decodeBodyAs(call, evictionKind, options.fieldValidation, warn)
  checkNameOfPath(eviction, nameOf(call))
  const wishes = checkDeleteOptions(eviction.deleteOptions ?? {})
  const deleteOptions = { ...wishes, dryRun: wishes.dryRun || options.dryRun }
  await deps.objects.fresh()
  const pod = deps.objects.get(call.kind, call.namespace, nameOf(call)) as Pod | undefined
  if (!pod) throw notFound(call.kind, nameOf(call))
  if (countsForBudgets(pod)) await spendBudget(deps, call, pod, deleteOptions.dryRun)
  await deleteObject(deps, { ...writerOf(call), name: nameOf(call), options: deleteOptions })
  return answerStatus(call, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }, 201)
}

function countsForBudgets({ metadata, status }: Pod): boolean {
  const idle = ['Succeeded', 'Failed', 'Pending'].includes(status?.phase ?? '')
  return !idle && metadata.deletionTimestamp === undefined
}

async function spendBudget(deps: ServerDeps, call: Call, pod: Pod, dryRun: boolean): Promise<void> {
  const budgets = deps.objects
    .list(budgetKind, call.namespace)
    .map(({ object }) => object as PodDisruptionBudget)
    .filter(({ spec }) => matchLabelSelector(spec.selector)(pod.metadata.labels))
  if (budgets.length > 1) {
    throw internalError(
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    )
  }
  const [budget] = budgets
  if (!budget) return
  await updateObject(deps, {
    ...writerOf(call),
    kind: budgetKind,
    name: budget.metadata.name,
    subresource: 'status',
    dryRun,
    change: (current) => spentBudget(current as PodDisruptionBudget, pod, deps.clock.nowMs()),
  })
}

function spentBudget(current: PodDisruptionBudget, pod: Pod, nowMs: number): PodDisruptionBudget {
  const { name, generation = 0 } = current.metadata
  const status = current.status
  if ((status?.observedGeneration ?? 0) < generation) {
    throw tooManyRequests(tooMany, [
      { reason: 'DisruptionBudget', message: `The disruption budget ${name} is still being processed by the server.` },
    ])
  }
  if (!status || (status.disruptionsAllowed ?? 0) <= 0) {
    const message = `The disruption budget ${name} needs ${status?.desiredHealthy ?? 0} healthy pods and has ${status?.currentHealthy ?? 0} currently`
    throw tooManyRequests(tooMany, [{ reason: 'DisruptionBudget', message }])
  }
  const budget = structuredClone(current)
  delete budget.metadata.resourceVersion
  budget.status = {
    ...status,
    disruptionsAllowed: (status.disruptionsAllowed ?? 0) - 1,
    disruptedPods: { ...status.disruptedPods, [pod.metadata.name]: timestamp(nowMs) },
  }
  return budget
}

const tooMany = "Cannot evict pod as it would violate the pod's disruption budget."
