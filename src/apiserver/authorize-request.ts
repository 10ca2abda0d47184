/** Who may do what: the question as the server asks it. The answer comes from outside. */
import { resourceName } from '#api/kind.ts'
import type { ApiRequest, UserInfo } from '#api/wire.ts'
import { forbidden, forbiddenPath } from './api-errors.ts'
import type { RequestInfo, ResourceInfo } from './request/parse-request-info.ts'

export type AccessAttributes = { readonly user: UserInfo } & (
  | {
      readonly type: 'resource'
      /** get, list, watch, create, update, patch, delete, deletecollection. */
      readonly verb: string
      readonly group: string
      readonly version: string
      readonly resource: string
      readonly subresource?: string
      readonly namespace?: string
      readonly name?: string
    }
  | { readonly type: 'path'; readonly verb: string; readonly path: string }
)

export interface AccessDecision {
  readonly allowed: boolean
  /** Appended to the message of a refusal. */
  readonly reason?: string
}

export type Authorize = (attributes: AccessAttributes) => AccessDecision | Promise<AccessDecision>

/** Throws 403 unless the user may. */
export async function authorizeRequest(authorize: Authorize, request: ApiRequest, info: RequestInfo): Promise<void> {
  const { user } = request
  const decision = await authorize(attributesOf(user, info))
  if (decision.allowed) return
  if (info.type === 'path') throw forbiddenPath(user.name, info.verb, info.path)
  throw forbidden({ group: info.group, plural: info.resource }, info.name, refusal(user, info, decision.reason))
}

export function attributesOf(user: UserInfo, info: RequestInfo): AccessAttributes {
  if (info.type === 'path') return { user, ...info }
  const { rest: _, ...attributes } = info
  return { user, ...attributes }
}

function refusal(user: UserInfo, info: ResourceInfo, reason: string | undefined): string {
  const resource = info.subresource === undefined ? info.resource : `${info.resource}/${info.subresource}`
  const where = info.namespace === undefined ? 'at the cluster scope' : `in the namespace "${info.namespace}"`
  const text = `User "${user.name}" cannot ${info.verb} resource "${resource}" in API group "${info.group}" ${where}`
  return reason === undefined || reason === '' ? text : `${text}: ${reason}`
}

/** `pods` or `deployments.apps`, for log lines. */
export function describeRequest(info: RequestInfo): string {
  if (info.type === 'path') return `${info.verb} ${info.path}`
  const resource = resourceName({ group: info.group, plural: info.resource })
  return `${info.verb} ${resource}${info.subresource ? `/${info.subresource}` : ''}`
}
