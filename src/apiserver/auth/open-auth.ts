/** Everything about identity and access that one API server needs, put together. */
import { kinds } from '#api/registry.ts'
import type { KubeObject } from '#api/meta.ts'
import type { UserInfo } from '#api/wire.ts'
import type { Clock } from '#lib/clock.ts'
import type { Authorize } from '../authorize-request.ts'
import type { Review as ServedReview } from '../create-api-handler.ts'
import type { ObjectStore } from '../objects/open-object-store.ts'
import { reviews } from './answer-review.ts'
import { createAuthenticator } from './authenticate.ts'
import type { Authenticate, StaticToken } from './authenticate.ts'
import { createAuthorizer } from './authorize.ts'
import { type Grant, standardPolicy } from './policy.ts'
import { createServiceAccountTokens } from './service-account-tokens.ts'
import type { ServiceAccountTokens } from './service-account-tokens.ts'

export interface OpenAuthOptions {
  /** PEM of an EC P-256 private key. */
  readonly serviceAccountKey: string
  readonly clock: Clock
  /** Asked for at each login, so that the server may be made after this. */
  readonly objects: () => Pick<ObjectStore, 'get'>
  readonly policy?: readonly Grant[]
  readonly staticTokens?: readonly StaticToken[]
}

export interface Auth {
  readonly authenticate: Authenticate
  readonly authorize: Authorize
  /** For `serviceaccounts/token`. */
  readonly mintToken: ServiceAccountTokens['mint']
  /** For the server's `reviews`. */
  readonly reviews: readonly ServedReview[]
}

export function openAuth(options: OpenAuthOptions): Auth {
  const { policy = standardPolicy, staticTokens = [] } = options
  const authorize = createAuthorizer(policy)
  const tokens = createServiceAccountTokens({
    key: options.serviceAccountKey,
    clock: options.clock,
    uidOf: (kindName, namespace, name) => {
      const kind = kinds.find((candidate) => candidate.group === '' && candidate.kind === kindName)!
      return options.objects().get(kind, kind.namespaced ? namespace : undefined, name)?.metadata.uid
    },
  })
  const answer = (review: (typeof reviews)[number]) => (object: KubeObject, asker: UserInfo) =>
    review.answer(object, asker, { authorize, policy, tokens })
  return {
    authenticate: createAuthenticator({ staticTokens, verifyToken: (token) => tokens.verify(token)?.user }),
    authorize,
    mintToken: tokens.mint,
    reviews: reviews.map((review) => ({ ...review, answer: answer(review) })),
  }
}
