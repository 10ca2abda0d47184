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
import { inVersion } from './answer/in-version.ts'
import { failureAnswer } from './answer/failure-answer.ts'
import { type Authorize, authorizeRequest, describeRequest } from './authorize-request.ts'
import type { Call } from './call.ts'
import { createOpenApiDocuments } from './discovery/open-api-documents.ts'
import { createPathAnswerer } from './discovery/answer-path.ts'
import { type PostOnlyResource, servedResources, withOlderVersions } from './discovery/served-resources.ts'
import { startEventExpiry } from './expire-events.ts'
import { type ObjectStore, openObjectStore } from './objects/open-object-store.ts'
import { chargeWrites } from './quota/charge-writes.ts'
import type { Decodable } from './request/decode-body.ts'
import { parseRequestInfo, type RequestInfo, type ResourceInfo } from './request/parse-request-info.ts'
import { countStored, createRequestMetrics } from './request-metrics.ts'
import { hasSubresource, routeRequest, type SubresourceRoutes } from './route-request.ts'
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
  /** Served under `/metrics`; absent: neither kept nor served. */
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
  const objects = chargeWrites(await openObjectStore(deps.store, log, stopping.signal), clock)
  startEventExpiry(objects, clock, log, stopping.signal)
  const admission = (deps.admission ?? standardAdmission)(() => objects)
  const registry = openServiceRegistry(() => server, deps)
  const server: ServerDeps = { objects, clock, authorize, admission, allocators: registry.allocators }
  await registry.start(stopping.signal)
  const kindAt = indexByPath(kinds)
  for (const [version, kind] of withOlderVersions(kinds))
    kindAt.set(pathOf({ ...kind, version, resource: kind.plural }), kind)
  const reviewAt = indexByPath(reviews)
  const subresources = subresourcesOf(deps.mintToken)
  const answerPath = createPathAnswerer({
    resources: servedResources(kinds, reviews),
    openApi: createOpenApiDocuments(kinds),
  })

  const answer = async (request: ApiRequest, info: RequestInfo): Promise<ApiResponse> => {
    await authorizeRequest(authorize, request, info)
    if (info.type === 'path')
      return (await answerMetrics(deps.metrics, request)) ?? answerPath(request) ?? pageNotFound()
    const path = pathOf(info)
    const review = reviewAt.get(path)
    if (review && info.name === undefined) return answerPostOnly(request, info, review)
    const kind = kindAt.get(path)
    if (!kind || !isPlaced(kind, info)) return pageNotFound()
    const call = callOf(request, info, kind)
    const response = await routeRequest(kind, info, subresources)?.(server, call)
    return response ? inVersion(response, kind, call.olderVersion) : pageNotFound()
  }

  const answerAlways = async (request: ApiRequest, info: RequestInfo | undefined): Promise<ApiResponse> => {
    try {
      return await answer(request, info ?? parseRequestInfo(request))
    } catch (error) {
      return failureAnswer(error, (cause) => {
        const trace = cause instanceof Error ? cause.stack : String(cause)
        log.error({ request: describeSafely(request), error: trace }, 'request failed')
      })
    }
  }
  const isServed = (info: ResourceInfo): boolean => {
    const kind = kindAt.get(pathOf(info))
    if (!kind) return reviewAt.has(pathOf(info)) && info.name === undefined
    return isPlaced(kind, info) && hasSubresource(kind, info, subresources)
  }
  const requests = createRequestMetrics(deps.metrics, isServed)
  countStored(deps.metrics, objects, kinds)

  return {
    describe: parseRequestInfo,
    objects,
    handle: (request) => {
      const info = parsedSafely(request)
      return requests.measure(request, info, () => answerAlways(request, info))
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
    ...(info.version !== kind.version && { olderVersion: info.version }),
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

const pathOf = (info: Pick<ResourceInfo, 'group' | 'version' | 'resource'>): string =>
  `${apiVersionOf(info)}/${info.resource}`

async function answerMetrics(metrics: Metrics | undefined, request: ApiRequest): Promise<ApiResponse | undefined> {
  if (!metrics || request.path !== '/metrics') return undefined
  if (request.method !== 'GET') return undefined
  const { contentType, text } = await metrics.expose()
  const value = new TextEncoder().encode(text)
  return { status: 200, headers: { 'content-type': contentType }, body: { type: 'bytes', value } }
}

/** Undefined for a path that cannot be read; who answers says so. */
function parsedSafely(request: ApiRequest): RequestInfo | undefined {
  try {
    return parseRequestInfo(request)
  } catch {
    return undefined
  }
}

function describeSafely(request: ApiRequest): string {
  const info = parsedSafely(request)
  return info ? describeRequest(info) : `${request.method} with an unreadable path`
}
