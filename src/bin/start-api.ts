/** The API server with its listeners: on the host's loopback for the user, and in the underlay for pods. */
import { createPodStreams } from '#agent/streams/serve-pod-streams.ts'
import type { NodeAgent } from '#agent/start-node-agent.ts'
import { type Auth, openAuth } from '#apiserver/auth/open-auth.ts'
import { applyBootstrap } from '#apiserver/bootstrap/apply-bootstrap.ts'
import { type ApiServer, createApiHandler } from '#apiserver/create-api-handler.ts'
import { standardAdmission } from '#apiserver/admission/standard-admission.ts'
import type { ObjectStore } from '#apiserver/objects/open-object-store.ts'
import type { Pki } from '#apiserver/pki/open-pki.ts'
import { serveHttps } from '#apiserver/serve-https.ts'
import { systemClock } from '#lib/clock.ts'
import type { Log } from '#observe/log.ts'
import type { Metrics } from '#observe/metrics.ts'
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
  readonly metrics: Metrics
}

/** Resolves when the API is served, with the objects that every cluster has. */
export async function startApi(parts: ApiParts, stack: AsyncDisposableStack, signal: AbortSignal): Promise<ApiServer> {
  const { cluster, store, pki, metrics } = parts
  const log = parts.log.child({ component: 'apiserver' })
  const auth = openAuth({ serviceAccountKey: pki.serviceAccountKey, clock: systemClock, objects: () => api.objects })
  const { authorize, mintToken, reviews } = auth
  const admission = (objects: () => ObjectStore) => standardAdmission(objects, cluster.record.admissionPlugins)
  const api: ApiServer = stack.use(
    await createApiHandler({ store, log, authorize, mintToken, reviews, metrics, admission }),
  )
  await Promise.all([
    applyBootstrap(api.handle, cluster.plan, signal),
    serve({ ...parts, api, auth, log }, stack, signal),
  ])
  return api
}

interface ServeParts extends ApiParts {
  readonly api: ApiServer
  readonly auth: Auth
}

/** On the host's loopback for the user, and in the underlay for pods. */
async function serve(parts: ServeParts, stack: AsyncDisposableStack, signal: AbortSignal): Promise<void> {
  const { api, pki, auth, agents, listener, cluster, log } = parts
  const server = await serveHttps(
    {
      handle: api.handle,
      authenticate: auth.authenticate,
      authorize: auth.authorize,
      pki,
      listeners: [{ host: '127.0.0.1', port: cluster.record.apiPort }, { fd: listener }],
      podStreams: createPodStreams(agents),
      log,
    },
    signal,
  )
  stack.use(server)
}
