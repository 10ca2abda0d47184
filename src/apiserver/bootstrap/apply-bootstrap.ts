/** Makes sure that the objects every cluster has are there. Running it again changes nothing. */
import type { Status } from '#api/meta.ts'
import { StatusError } from '#api/status-error.ts'
import type { ApiHandler, ApiResponse, UserInfo } from '#api/wire.ts'
import type { AddressPlan } from '#lib/address-plan.ts'
import { type BootstrapObject, desiredBootstrapObjects } from './desired-objects.ts'

const user: UserInfo = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] }

export async function applyBootstrap(handle: ApiHandler, plan: AddressPlan, signal: AbortSignal): Promise<void> {
  for (const desired of desiredBootstrapObjects(plan)) await ensure(handle, desired, signal)
}

async function ensure(
  handle: ApiHandler,
  { path, object, owned }: BootstrapObject,
  signal: AbortSignal,
): Promise<void> {
  const common = { query: new URLSearchParams(), headers: { 'user-agent': 'frontdesk-apiserver' }, user, signal }
  const named = `${path}/${object.metadata.name}`
  const exists = failureOf(await handle({ ...common, method: 'GET', path: named }))?.reason !== 'NotFound'
  if (exists && !owned) return
  // A PUT without a resourceVersion is unconditional, and writes nothing when nothing differs.
  const target = exists ? ({ method: 'PUT', path: named } as const) : ({ method: 'POST', path } as const)
  const failure = failureOf(await handle({ ...common, ...target, body: object }))
  if (failure) throw new StatusError(failure)
}

function failureOf(response: ApiResponse): Status | undefined {
  return response.status >= 400 && response.body?.type === 'object' ? (response.body.value as Status) : undefined
}
