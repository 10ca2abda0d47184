/** The API server without a transport: one function from request to answer, over a store. */
import { apiVersionOf, type Kind } from '#api/kind.ts'
import { kinds as servedKinds } from '#api/registry.ts'
import { StatusError } from '#api/status-error.ts'
import type { ApiHandler, ApiRequest, ApiResponse } from '#api/wire.ts'
import { type Clock, systemClock } from '#lib/clock.ts'
import type { Log } from '#observe/log.ts'
import type { Store } from '#store/contract.ts'
import { standardAdmission } from './admission/standard-admission.ts'
import { internalError, methodNotAllowed } from './api-errors.ts'
import { type Authorize, authorizeRequest, describeRequest } from './authorize-request.ts'
import type { Call } from './call.ts'
import { type ObjectStore, openObjectStore } from './objects/open-object-store.ts'
import { parseRequestInfo, type RequestInfo, type ResourceInfo, type Verb } from './request/parse-request-info.ts'
import type { ServerDeps } from './server-deps.ts'
import { openServiceAllocator } from './service-allocation/open-service-allocator.ts'
import { create } from './verbs/create.ts'
import { deleteCollection } from './verbs/delete-collection.ts'
import { remove } from './verbs/delete.ts'
import { get } from './verbs/get.ts'
import { list } from './verbs/list.ts'
import { patch } from './verbs/patch.ts'
import { update } from './verbs/update.ts'
import { watch } from './verbs/watch.ts'
import type { Admission } from './write/write.ts'

export interface ApiServerDeps {
  readonly store: Store
  readonly log: Log
  readonly clock?: Clock
  readonly authorize: Authorize
  /** Decides over writes; default: what every cluster has. */
  readonly admission?: (objects: () => ObjectStore) => readonly Admission[]
  /** Default: every kind of the registry. */
  readonly kinds?: readonly Kind[]
}

export interface ApiServer extends AsyncDisposable {
  readonly handle: ApiHandler
  /** What a request is about; for transports that upgrade connections before `handle` could see them. */
  readonly describe: (request: Pick<ApiRequest, 'method' | 'path' | 'query'>) => RequestInfo
  /** Objects by kind, straight from the cache. */
  readonly objects: ObjectStore
}

type Answer = (deps: ServerDeps, call: Call) => Promise<ApiResponse>

const verbs: Record<Verb, Answer> = {
  get,
  list,
  watch,
  create,
  update,
  patch,
  delete: remove,
  deletecollection: deleteCollection,
}

export async function createApiHandler(deps: ApiServerDeps): Promise<ApiServer> {
  const { log, authorize, clock = systemClock } = deps
  const stopping = new AbortController()
  const objects = await openObjectStore(deps.store, log, stopping.signal)
  const admission = (deps.admission ?? standardAdmission)(() => objects)
  const server: ServerDeps = { objects, clock, admission, allocators: [openServiceAllocator(() => server)] }
  const byPath = new Map((deps.kinds ?? servedKinds).map((kind) => [`${apiVersionOf(kind)}/${kind.plural}`, kind]))

  const answer = async (request: ApiRequest): Promise<ApiResponse> => {
    const info = parseRequestInfo(request)
    await authorizeRequest(authorize, request, info)
    if (info.type === 'path') return pageNotFound()
    const kind = byPath.get(`${apiVersionOf(info)}/${info.resource}`)
    return kind && isPlaced(kind, info) ? await answerResource(server, callOf(request, info, kind)) : pageNotFound()
  }

  return {
    describe: parseRequestInfo,
    objects,
    handle: async (request) => {
      try {
        return await answer(request)
      } catch (error) {
        return failureAnswer(error, (cause) => {
          log.error({ request: describeSafely(request), error: String(cause) }, 'request failed')
        })
      }
    },
    [Symbol.asyncDispose]: async () => stopping.abort(),
  }
}

async function answerResource(server: ServerDeps, call: Call): Promise<ApiResponse> {
  const { kind, info } = call
  const known = info.subresource === undefined || (info.subresource === 'status' && kind.hasStatus)
  if (!known) return pageNotFound()
  if (!isMeaningful(info)) throw methodNotAllowed(kind, info.verb)
  return verbs[info.verb](server, call)
}

/** A status can be read and changed; an object is created in a collection and all else happens to one by name. */
function isMeaningful({ verb, name, subresource, namespace, resource }: ResourceInfo): boolean {
  if (subresource !== undefined) return verb === 'get' || verb === 'update' || verb === 'patch'
  if (verb === 'create') return name === undefined
  if (verb === 'update' || verb === 'patch') return name !== undefined
  return verb !== 'deletecollection' || namespace !== undefined || resource !== ''
}

function isPlaced(kind: Kind, info: ResourceInfo): boolean {
  if (!kind.namespaced) return info.namespace === undefined || kind.plural === 'namespaces'
  return info.namespace !== undefined || info.verb === 'list' || info.verb === 'watch'
}

function callOf(request: ApiRequest, info: ResourceInfo, kind: Kind): Call {
  return { request, info, kind, namespace: kind.namespaced ? info.namespace : undefined, warnings: new Set() }
}

export function pageNotFound(): ApiResponse {
  return {
    status: 404,
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    body: { type: 'bytes', value: new TextEncoder().encode('404 page not found\n') },
  }
}

/** The one place where failures become answers. What nobody expected is told without its inner workings. */
function failureAnswer(error: unknown, report: (cause: unknown) => void): ApiResponse {
  if (!(error instanceof StatusError)) report(error)
  const { status, code } = error instanceof StatusError ? error : internalError('the server has a fault; see its log')
  const retry = status.details?.retryAfterSeconds
  return {
    status: code,
    headers: {
      'content-type': 'application/json',
      ...(retry !== undefined && { 'retry-after': String(retry) }),
    },
    body: { type: 'object', value: status },
  }
}

function describeSafely(request: ApiRequest): string {
  try {
    return describeRequest(parseRequestInfo(request))
  } catch {
    return `${request.method} with an unreadable path`
  }
}
