/** The API server with its listeners: on the host's loopback for the user, and in the underlay for pods. */
import { createPodStreams } from '#agent/streams/serve-pod-streams.ts'
import type { NodeAgent } from '#agent/start-node-agent.ts'
import { findKind } from '#api/registry.ts'
import { reviews } from '#apiserver/auth/answer-review.ts'
import { createAuthenticator } from '#apiserver/auth/authenticate.ts'
import { createAuthorizer } from '#apiserver/auth/authorize.ts'
import { standardPolicy } from '#apiserver/auth/policy.ts'
import { createServiceAccountTokens, type ServiceAccountTokens } from '#apiserver/auth/service-account-tokens.ts'
import { applyBootstrap } from '#apiserver/bootstrap/apply-bootstrap.ts'
import { type ApiServer, createApiHandler } from '#apiserver/create-api-handler.ts'
import type { Pki } from '#apiserver/pki/open-pki.ts'
import { serveHttps } from '#apiserver/serve-https.ts'
import { systemClock } from '#lib/clock.ts'
import type { Log } from '#observe/log.ts'
import type { Store } from '#store/contract.ts'
import type { Cluster } from './read-cluster.ts'

export interface ApiParts {
  readonly cluster: Cluster
  readonly store: Store
  readonly pki: Pki
  /** A descriptor of a listening socket in the underlay. */
  readonly listener: number
  /** Filled later; streams of pods are asked for when there are pods. */
  readonly agents: readonly NodeAgent[]
  readonly log: Log
}

/** Resolves when the API is served, with the objects that every cluster has. */
export async function startApi(parts: ApiParts, stack: AsyncDisposableStack, signal: AbortSignal): Promise<ApiServer> {
  const { cluster, store, pki } = parts
  const log = parts.log.child({ component: 'apiserver' })
  const authorize = createAuthorizer(standardPolicy)
  const tokens = createServiceAccountTokens({
    key: pki.serviceAccountKey,
    clock: systemClock,
    uidOf: (kind, namespace, name) => uidOf(api, kind, namespace, name),
  })
  const reviewDeps = { authorize, policy: standardPolicy, tokens }
  const api: ApiServer = stack.use(
    await createApiHandler({
      store,
      log,
      authorize,
      mintToken: tokens.mint,
      reviews: reviews.map((review) => ({
        ...review,
        answer: (object, asker) => review.answer(object, asker, reviewDeps),
      })),
    }),
  )
  await Promise.all([
    applyBootstrap(api.handle, cluster.plan, signal),
    serve({ ...parts, api, tokens, authorize, log }, stack, signal),
  ])
  return api
}

/** Tokens of what is gone are refused: this says what is there. */
function uidOf(api: ApiServer, kindName: string, namespace: string, name: string): string | undefined {
  const kind = findKind('v1', kindName)
  return kind && api.objects.get(kind, kind.namespaced ? namespace : undefined, name)?.metadata.uid
}

interface ServeParts extends ApiParts {
  readonly api: ApiServer
  readonly tokens: ServiceAccountTokens
  readonly authorize: ReturnType<typeof createAuthorizer>
}

/** On the host's loopback for the user, and in the underlay for pods. */
async function serve(parts: ServeParts, stack: AsyncDisposableStack, signal: AbortSignal): Promise<void> {
  const { api, pki, tokens, authorize, agents, listener, cluster, log } = parts
  const server = await serveHttps(
    {
      handle: api.handle,
      authenticate: createAuthenticator({ verifyToken: (token) => tokens.verify(token)?.user }),
      authorize,
      pki,
      listeners: [{ host: '127.0.0.1', port: cluster.record.apiPort }, { fd: listener }],
      podStreams: createPodStreams(agents),
      log,
    },
    signal,
  )
  stack.use(server)
}
