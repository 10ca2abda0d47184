/** Typed requests for every kind over any transport. */
import { apiVersionOf } from '#api/kind.ts'
import type { Kind } from '#api/kind.ts'
import type { KubeList, KubeObject } from '#api/meta.ts'
import type { WatchEvent } from '#api/wire.ts'
import type { Client, DeleteQuery, ObjectRef, PatchType, ResourceClient } from './contract.ts'
import { collectionPath, objectPath, queryParameters } from './select-path.ts'
import type { Addressed } from './select-path.ts'
import type { Transport, TransportRequest } from './transport.ts'

export interface ClientOptions {
  readonly transport: Transport
  readonly userAgent: string
}

/** The transport stays the caller's: dispose of it when no client uses it any more. */
export function createClient(options: ClientOptions): Client {
  return {
    of: (kind) => resourceClient(kind, options),
    named: (component) => createClient({ ...options, userAgent: component }),
  }
}

const patchContentTypes: Record<PatchType, string> = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
}

function resourceClient<T extends KubeObject>(kind: Kind<T>, options: ClientOptions): ResourceClient<T> {
  const { transport, userAgent } = options
  const typeMeta = { apiVersion: apiVersionOf(kind), kind: kind.kind }

  const send = async <R>(request: Omit<TransportRequest, 'userAgent' | 'query'>): Promise<R> =>
    (await transport.request({ query: new URLSearchParams(), userAgent, ...request })) as R

  const put = (object: T, subresource?: string): Promise<T> =>
    send({ method: 'PUT', path: objectPath(kind, object.metadata, subresource), body: { ...object, ...typeMeta } })

  const patch = (ref: ObjectRef, type: PatchType, body: unknown, subresource?: string): Promise<T> =>
    send({
      method: 'PATCH',
      path: objectPath(kind, ref, subresource),
      contentType: patchContentTypes[type],
      body: body as object,
    })

  return {
    get: (ref) => send({ method: 'GET', path: objectPath(kind, ref) }),
    list: async (query = {}) => {
      const list = (await transport.request({
        method: 'GET',
        path: collectionPath(kind, query.namespace),
        query: queryParameters(query),
        userAgent,
      })) as KubeList<T>
      return withItemTypes(list, typeMeta)
    },
    watch: (query, signal) => {
      const parameters = queryParameters(query)
      parameters.set('watch', 'true')
      const request = {
        method: 'GET',
        path: collectionPath(kind, query.namespace),
        query: parameters,
        userAgent,
      } as const
      return transport.watch(request, signal) as AsyncIterable<readonly WatchEvent<T>[]>
    },
    create: (object) =>
      send({
        method: 'POST',
        path: collectionPath(kind, requiredNamespace(kind, object.metadata.namespace)),
        body: { ...object, ...typeMeta },
      }),
    update: (object) => put(object),
    updateStatus: (object) => put(object, 'status'),
    patch: (ref, type, body) => patch(ref, type, body),
    patchStatus: (ref, type, body) => patch(ref, type, body, 'status'),
    delete: async (ref, query) => {
      await send({ method: 'DELETE', path: objectPath(kind, ref), ...(query && { body: deleteOptions(query) }) })
    },
    createSubresource: (ref, subresource, body) =>
      send({ method: 'POST', path: objectPath(kind, ref, subresource), body }),
    updateSubresource: (ref, subresource, body) =>
      send({ method: 'PUT', path: objectPath(kind, ref, subresource), body }),
  }
}

/** Items of a list from a real Kubernetes server come without apiVersion and kind. */
function withItemTypes<T extends KubeObject>(list: KubeList<T>, typeMeta: { apiVersion: string; kind: string }) {
  const items = list.items ?? []
  if (items.length > 0 && items[0]?.kind !== undefined) return list
  return { ...list, items: items.map((item) => ({ ...item, ...typeMeta })) }
}

function requiredNamespace(kind: Addressed, namespace: string | undefined): string | undefined {
  if (kind.namespaced && !namespace) throw new TypeError(`Cannot create a ${kind.kind}: it has no namespace`)
  return namespace
}

function deleteOptions(query: DeleteQuery): object {
  return { kind: 'DeleteOptions', apiVersion: 'v1', ...query }
}
