/** Which function answers a request to a resource. */
import type { Kind } from '#api/kind.ts'
import type { ApiResponse } from '#api/wire.ts'
import { methodNotAllowed } from './api-errors.ts'
import type { Call } from './call.ts'
import type { ResourceInfo, Verb } from './request/parse-request-info.ts'
import type { ServerDeps } from './server-deps.ts'
import { bindPod } from './subresources/binding.ts'
import { evictPod } from './subresources/eviction.ts'
import { finalizeNamespace } from './subresources/finalize.ts'
import { getScale, patchScale, updateScale } from './subresources/scale.ts'
import { create } from './verbs/create.ts'
import { deleteCollection } from './verbs/delete-collection.ts'
import { remove } from './verbs/delete.ts'
import { get } from './verbs/get.ts'
import { list } from './verbs/list.ts'
import { patch } from './verbs/patch.ts'
import { update } from './verbs/update.ts'
import { watch } from './verbs/watch.ts'

export type Answer = (deps: ServerDeps, call: Call) => Promise<ApiResponse>
export type Routes = Partial<Record<Verb, Answer>>

const collection: Routes = { list, watch, create, deletecollection: deleteCollection }
const item: Routes = { get, update, patch, delete: remove }
const part: Routes = { get, update, patch }
const scale: Routes = { get: getScale, update: updateScale, patch: patchScale }

/** Subresources of core kinds that other code than the verbs answers; key `pods/binding`. */
export type SubresourceRoutes = Readonly<Record<string, Routes>>

const ownSubresources: SubresourceRoutes = {
  'pods/binding': { create: bindPod },
  'pods/ephemeralcontainers': part,
  'pods/eviction': { create: evictPod },
  'namespaces/finalize': { update: finalizeNamespace },
}

/** @returns undefined when there is no such subresource; throws 405 when there is, but not for this verb */
export function routeRequest(kind: Kind, info: ResourceInfo, more: SubresourceRoutes): Answer | undefined {
  const routes = routesOf(kind, info, more)
  if (!routes) return undefined
  const answer = routes[info.verb]
  if (!answer) throw methodNotAllowed(kind, info.verb)
  return answer
}

export function hasSubresource(kind: Kind, info: ResourceInfo, more: SubresourceRoutes): boolean {
  return routesOf(kind, info, more) !== undefined
}

function routesOf(kind: Kind, info: ResourceInfo, more: SubresourceRoutes): Routes | undefined {
  const { subresource, verb, name } = info
  if (subresource === undefined) {
    // Lists and watches have a name when a field selector says one.
    const isItem = name !== undefined && verb !== 'list' && verb !== 'watch'
    return isItem ? item : collection
  }
  if (info.rest.length > 0) return undefined
  if (subresource === 'status') return kind.hasStatus ? part : undefined
  if (subresource === 'scale') return kind.scale ? scale : undefined
  if (kind.group !== '') return undefined
  const key = `${kind.plural}/${subresource}`
  return ownSubresources[key] ?? more[key]
}
