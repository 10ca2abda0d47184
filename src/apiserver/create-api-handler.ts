/** The API server without a transport: one function from request to answer, over a store. */
import { apiVersionOf, type Kind } from '#api/kind.ts'
import type { KubeObject } from '#api/meta.ts'
import { kinds as servedKinds } from '#api/registry.ts'
import type { ApiHandler, ApiRequest, ApiResponse, UserInfo } from '#api/wire.ts'
import { type Clock, systemClock } from '#lib/clock.ts'
import type { Log } from '#observe/log.ts'
import type { Metrics } from '#observe/metrics.ts'
import type { Store } from '#store/contract.ts'
import { standardAdmission } from './admission/standard-admission.ts'
import { failureAnswer } from './answer/failure-answer.ts'
import { type Authorize, authorizeRequest, describeRequest } from './authorize-request.ts'
import type { Call } from './call.ts'
import { createOpenApiDocuments } from './discovery/open-api-documents.ts'
import { createPathAnswerer } from './discovery/answer-path.ts'
import { type PostOnlyResource, servedResources } from './discovery/served-resources.ts'
import { startEventExpiry } from './expire-events.ts'
import { type ObjectStore, openObjectStore } from './objects/open-object-store.ts'
import type { Decodable } from './request/decode-body.ts'
import { parseRequestInfo, type RequestInfo, type ResourceInfo } from './request/parse-request-info.ts'
import { routeRequest, type SubresourceRoutes } from './route-request.ts'
import type { ServerDeps } from './server-deps.ts'
import { openServiceRegistry } from './service-allocation/open-service-registry.ts'
import type { NodePortRange } from './service-allocation/node-ports.ts'
import { createToken, type MintToken } from './subresources/token.ts'
import { answerPostOnly } from './verbs/answer-post-only.ts'
import type { Admission } from './write/write.ts'

export interface ApiServerDeps {
  readonly store: Store
  readonly log: Log
  readonly authorize: Authorize
  readonly clock?: Clock
  /** Default: every kind of the registry. */
  readonly kinds?: readonly Kind[]
  /** Makes tokens for `serviceaccounts/token`; without it that subresource does not exist. */
  readonly mintToken?: MintToken
  /** Resources that answer a POST and store nothing, such as access reviews. */
  readonly reviews?: readonly Review[]
  readonly metrics?: Metrics
  /** Default: 30000 to 32767. */
  readonly nodePorts?: NodePortRange
  /** Decides over writes; default: what every cluster has. */
  readonly admission?: (objects: () => ObjectStore) => readonly Admission[]
}

export interface Review extends PostOnlyResource, Decodable {
  readonly answer: (review: KubeObject, asker: UserInfo) => Promise<KubeObject>
}

export interface ApiServer extends AsyncDisposable {
  readonly handle: ApiHandler
  /** What a request is about; for transports that upgrade connections before `handle` could see them. */
  readonly describe: (request: Pick<ApiRequest, 'method' | 'path' | 'query'>) => RequestInfo
  /** Objects by kind, straight from the cache. */
  readonly objects: ObjectStore
}

export async function createApiHandler(deps: ApiServerDeps): Promise<ApiServer> {
  const { log, authorize, clock = systemClock, kinds = servedKinds, reviews = [] } = deps
  const stopping = new AbortController()
  const objects = await openObjectStore(deps.store, log, stopping.signal)
  startEventExpiry(objects, clock, log, stopping.signal)
  const admission = (deps.admission ?? standardAdmission)(() => objects)
  const registry = openServiceRegistry(() => server, deps)
  const server: ServerDeps = { objects, clock, authorize, admission, allocators: registry.allocators }
  await registry.start(stopping.signal)
  const kindAt = indexByPath(kinds)
  const reviewAt = indexByPath(reviews)
  const subresources = subresourcesOf(deps.mintToken)
  const answerPath = createPathAnswerer({
    resources: servedResources(kinds, reviews),
    openApi: createOpenApiDocuments(kinds),
  })

  const answer = async (request: ApiRequest): Promise<ApiResponse> => {
    const info = parseRequestInfo(request)
    await authorizeRequest(authorize, request, info)
    if (info.type === 'path') return answerPath(request) ?? pageNotFound()
    const path = `${apiVersionOf(info)}/${info.resource}`
    const review = reviewAt.get(path)
    if (review && info.name === undefined) return answerPostOnly(request, info, review)
    const kind = kindAt.get(path)
    if (!kind || !isPlaced(kind, info)) return pageNotFound()
    const call = callOf(request, info, kind)
    return (await routeRequest(kind, info, subresources)?.(server, call)) ?? pageNotFound()
  }

  return {
    describe: parseRequestInfo,
    objects,
    handle: async (request) => {
      try {
        return await answer(request)
      } catch (error) {
        return failureAnswer(error, (cause) => {
          const trace = cause instanceof Error ? cause.stack : String(cause)
          log.error({ request: describeSafely(request), error: trace }, 'request failed')
        })
      }
    },
    [Symbol.asyncDispose]: async () => stopping.abort(),
  }
}

function indexByPath<T extends { group: string; version: string; plural: string }>(resources: readonly T[]) {
  return new Map(resources.map((resource) => [`${apiVersionOf(resource)}/${resource.plural}`, resource]))
}

function subresourcesOf(mint: MintToken | undefined): SubresourceRoutes {
  return mint ? { 'serviceaccounts/token': { create: (server, call) => createToken(server, call, mint) } } : {}
}

/** Namespaced kinds are listed everywhere, but live in namespaces. */
function isPlaced(kind: Kind, info: ResourceInfo): boolean {
  if (!kind.namespaced) return info.namespace === undefined || kind.plural === 'namespaces'
  return info.namespace !== undefined || info.verb === 'list' || info.verb === 'watch'
}

function callOf(request: ApiRequest, info: ResourceInfo, kind: Kind): Call {
  return {
    request,
    info,
    kind,
    namespace: kind.namespaced ? info.namespace : undefined,
    warnings: new Set(kind.deprecated === undefined ? [] : [kind.deprecated]),
  }
}

function pageNotFound(): ApiResponse {
  return {
    status: 404,
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    body: { type: 'bytes', value: new TextEncoder().encode('404 page not found\n') },
  }
}

function describeSafely(request: ApiRequest): string {
  try {
    return describeRequest(parseRequestInfo(request))
  } catch {
    return `${request.method} with an unreadable path`
  }
}
