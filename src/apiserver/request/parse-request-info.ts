/** What a request is about, read from method, path and query alone. */
import type { ApiRequest } from '#api/wire.ts'
import { badRequest } from '../api-errors.ts'

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection'

export interface ResourceInfo {
  readonly type: 'resource'
  readonly verb: Verb
  readonly group: string
  readonly version: string
  /** Plural, as in the path. */
  readonly resource: string
  /** For a Namespace itself: its own name. */
  readonly namespace?: string
  readonly name?: string
  readonly subresource?: string
  /** Segments after the subresource, for example the path of a proxied request. */
  readonly rest: readonly string[]
}

export interface PathInfo {
  readonly type: 'path'
  /** Lower-case HTTP method. */
  readonly verb: string
  readonly path: string
}

export type RequestInfo = ResourceInfo | PathInfo

const namespaceSubresources = new Set(['status', 'finalize'])

export function parseRequestInfo(request: Pick<ApiRequest, 'method' | 'path' | 'query'>): RequestInfo {
  const segments = splitPath(request.path)
  const asPath: PathInfo = { type: 'path', verb: request.method.toLowerCase(), path: request.path }
  const groupVersion = takeGroupVersion(segments)
  if (!groupVersion) return asPath
  const { group, version } = groupVersion
  const parts = groupVersion.rest
  const watchPath = parts[0] === 'watch' && parts.length > 1
  if (watchPath) parts.shift()
  const place = locate(parts)
  if (!place.resource) return asPath
  const verb = watchPath && request.method === 'GET' ? 'watch' : verbOf(request, place.name)
  const selected = place.name ?? (verb === 'list' || verb === 'watch' ? nameInSelector(request.query) : undefined)
  return { type: 'resource', verb, group, version, ...place, ...(selected !== undefined && { name: selected }) }
}

function splitPath(path: string): string[] {
  try {
    return path
      .split('/')
      .filter((segment) => segment !== '')
      .map(decodeURIComponent)
  } catch {
    throw badRequest(`the path ${JSON.stringify(path)} is not correctly percent-encoded`)
  }
}

/** Undefined for everything that is not below a version: discovery, health, OpenAPI. */
function takeGroupVersion(segments: string[]): { group: string; version: string; rest: string[] } | undefined {
  const [root, first, second] = segments
  if (root === 'api' && first && segments.length > 2) return { group: '', version: first, rest: segments.slice(2) }
  if (root === 'apis' && first && second && segments.length > 3) {
    return { group: first, version: second, rest: segments.slice(3) }
  }
  return undefined
}

type Place = Pick<ResourceInfo, 'namespace' | 'resource' | 'name' | 'subresource' | 'rest'>

function locate(parts: readonly string[]): Place {
  const [first, namespace, third] = parts
  const inNamespace = first === 'namespaces' && namespace !== undefined
  const below = inNamespace && third !== undefined && !namespaceSubresources.has(third) ? parts.slice(2) : parts
  const [resource = '', name, subresource, ...rest] = below
  return {
    resource,
    ...(inNamespace && { namespace }),
    ...(name !== undefined && { name }),
    ...(subresource !== undefined && { subresource }),
    rest,
  }
}

function verbOf(request: Pick<ApiRequest, 'method' | 'query'>, name: string | undefined): Verb {
  switch (request.method) {
    case 'POST':
      return 'create'
    case 'PUT':
      return 'update'
    case 'PATCH':
      return 'patch'
    case 'DELETE':
      return name === undefined ? 'deletecollection' : 'delete'
    case 'GET':
    case 'HEAD':
    case 'OPTIONS':
      if (name !== undefined) return 'get'
      return isTrue(request.query.get('watch')) ? 'watch' : 'list'
    default:
      return request.method satisfies never
  }
}

/** Kubernetes' reading of a boolean parameter: absent, `0` and `false` are false, everything else is true. */
export function isTrue(value: string | null): boolean {
  return value !== null && value !== '0' && value.toLowerCase() !== 'false'
}

/** `metadata.name=x` in a field selector counts as a name when access is decided. */
function nameInSelector(query: URLSearchParams): string | undefined {
  return query
    .get('fieldSelector')
    ?.split(',')
    .map((part) => /^metadata\.name==?([^=!\\]+)$/.exec(part)?.[1])
    .find((name) => name !== undefined)
}
