/** The API server with everything about identity that needs its objects: account tokens, token and access reviews. */
import type { KubeObject } from '#api/meta.ts'
import { kinds } from '#api/registry.ts'
import { systemClock } from '#lib/clock.ts'
import { reviews } from './auth/answer-review.ts'
import { createAuthorizer } from './auth/authorize.ts'
import type { Grant } from './auth/policy.ts'
import { createServiceAccountTokens, type ServiceAccountTokens } from './auth/service-account-tokens.ts'
import type { Authorize } from './authorize-request.ts'
import { type ApiServer, type ApiServerDeps, createApiHandler } from './create-api-handler.ts'
import type { ObjectStore } from './objects/open-object-store.ts'

export interface OpenApiServerOptions extends Pick<ApiServerDeps, 'store' | 'log' | 'clock' | 'kinds' | 'admission'> {
  readonly policy: readonly Grant[]
  /** PEM of the EC P-256 key that signs account tokens. */
  readonly serviceAccountKey: string
}

export interface IdentifiedApiServer extends ApiServer {
  readonly authorize: Authorize
  /** For logging in by token. */
  readonly tokens: ServiceAccountTokens
}

export async function openApiServer(options: OpenApiServerOptions): Promise<IdentifiedApiServer> {
  const { policy, serviceAccountKey, clock = systemClock, ...rest } = options
  const authorize = createAuthorizer(policy)
  let objects: ObjectStore | undefined
  const tokens = createServiceAccountTokens({
    key: serviceAccountKey,
    clock,
    uidOf: (kind, namespace, name) => objects && uidOf(objects, kind, namespace, name),
  })
  const deps = { authorize, policy, tokens }
  const bound = reviews.map((review) => ({
    ...review,
    answer: (object: KubeObject, asker: Parameters<typeof review.answer>[1]) => review.answer(object, asker, deps),
  }))
  const server = await createApiHandler({ ...rest, clock, authorize, mintToken: tokens.mint, reviews: bound })
  objects = server.objects
  return { ...server, authorize, tokens }
}

function uidOf(objects: ObjectStore, name: string, namespace: string, objectName: string): string | undefined {
  const kind = kinds.find((candidate) => candidate.group === '' && candidate.kind === name)
  return kind && objects.get(kind, kind.namespaced ? namespace : undefined, objectName)?.metadata.uid
}
