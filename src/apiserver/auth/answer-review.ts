/** Reviews: questions about identity and access that are answered and never stored (POST, 201). */
import * as access from '#api/access-review.ts'
import type { KubeObject } from '#api/meta.ts'
import type { ObjectSchema } from '#api/schema.ts'
import * as tokens from '#api/token-request.ts'
import type { UserInfo } from '#api/wire.ts'
import type { AccessAttributes, Authorize } from '../authorize-request.ts'
import { isPathRule, rulesOf } from './authorize.ts'
import type { Grant } from './policy.ts'
import type { ServiceAccountTokens } from './service-account-tokens.ts'

export interface ReviewDeps {
  readonly authorize: Authorize
  readonly policy: readonly Grant[]
  readonly tokens: ServiceAccountTokens
}

export interface Review {
  readonly group: string
  readonly version: 'v1'
  readonly kind: string
  readonly plural: string
  readonly singular: string
  readonly namespaced: boolean
  /** How the body is decoded. */
  readonly schema: ObjectSchema<KubeObject>
  /** @returns the review with its status, to be sent with 201 */
  readonly answer: (review: KubeObject, asker: UserInfo, deps: ReviewDeps) => Promise<KubeObject>
}

function review<T extends KubeObject>(
  group: string,
  kind: string,
  schema: ObjectSchema<T>,
  status: (review: T, asker: UserInfo, deps: ReviewDeps) => object | Promise<object>,
  namespaced = false,
): Review {
  const singular = kind.toLowerCase()
  return {
    group,
    version: 'v1',
    kind,
    plural: `${singular}s`,
    singular,
    namespaced,
    schema: schema as ObjectSchema as ObjectSchema<KubeObject>,
    answer: async (object, asker, deps) => {
      const answered = { ...object, status: await status(object as T, asker, deps) }
      return { ...answered, apiVersion: `${group}/v1`, kind } as KubeObject
    },
  }
}

const authorization = 'authorization.k8s.io'
const authentication = 'authentication.k8s.io'

export const reviews: readonly Review[] = [
  review(authorization, 'SelfSubjectAccessReview', access.SelfSubjectAccessReview, ({ spec }, asker, deps) =>
    decide(deps, asker, spec),
  ),
  review(authorization, 'SubjectAccessReview', access.SubjectAccessReview, ({ spec }, _asker, deps) =>
    decide(deps, { name: spec.user ?? '', groups: spec.groups ?? [] }, spec),
  ),
  review(
    authorization,
    'LocalSubjectAccessReview',
    access.LocalSubjectAccessReview,
    ({ spec }, _asker, deps) => decide(deps, { name: spec.user ?? '', groups: spec.groups ?? [] }, spec),
    true,
  ),
  review(authorization, 'SelfSubjectRulesReview', access.SelfSubjectRulesReview, ({ spec }, asker, deps) => {
    const rules = rulesOf(deps.policy, asker, spec.namespace ?? '')
    return {
      resourceRules: rules.filter((rule) => !isPathRule(rule)),
      nonResourceRules: rules.filter(isPathRule),
      incomplete: false,
    }
  }),
  review(authentication, 'SelfSubjectReview', tokens.SelfSubjectReview, (_object, asker) => ({
    userInfo: reviewedUser(asker),
  })),
  review(authentication, 'TokenReview', tokens.TokenReview, ({ spec }, _asker, deps) => {
    const verified = deps.tokens.verify(spec.token, spec.audiences?.length ? spec.audiences : undefined)
    if (!verified) return { user: {}, error: 'the token is not valid' }
    return { authenticated: true, user: reviewedUser(verified.user), audiences: verified.audiences }
  }),
]

async function decide(
  { authorize }: ReviewDeps,
  user: UserInfo,
  spec: access.SelfSubjectAccessReviewSpec,
): Promise<access.SubjectAccessReviewStatus> {
  const attributes = attributesAsked(user, spec)
  if (!attributes) return { allowed: false, reason: 'neither resource nor path is given' }
  const { allowed, reason } = await authorize(attributes)
  return { allowed, ...(reason !== undefined && reason !== '' && { reason }) }
}

function attributesAsked(user: UserInfo, spec: access.SelfSubjectAccessReviewSpec): AccessAttributes | undefined {
  const { resourceAttributes: resource, nonResourceAttributes: path } = spec
  if (path) return { user, type: 'path', verb: path.verb ?? '', path: path.path ?? '' }
  if (!resource) return undefined
  return {
    user,
    type: 'resource',
    verb: resource.verb ?? '',
    group: resource.group ?? '',
    version: resource.version ?? '',
    resource: resource.resource ?? '',
    ...(resource.subresource && { subresource: resource.subresource }),
    ...(resource.namespace && { namespace: resource.namespace }),
    ...(resource.name && { name: resource.name }),
  }
}

const reviewedUser = ({ name, uid, groups }: UserInfo) => ({
  username: name,
  ...(uid !== undefined && { uid }),
  groups: [...groups],
})
