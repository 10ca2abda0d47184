/** Requests outside the resources: discovery, OpenAPI, version, health. */
import type { ApiRequest, ApiResponse } from '#api/wire.ts'
import { taggedAnswer } from '../answer/tagged-answer.ts'
import { parseMediaRanges } from '../request/parse-accept.ts'
import type { OpenApiDocuments } from './open-api-documents.ts'
import {
  renderAggregated,
  renderApiVersions,
  renderGroup,
  renderGroupList,
  renderResourceList,
} from './render-discovery.ts'
import type { ServedResource } from './served-resources.ts'

export interface PathDeps {
  readonly resources: readonly ServedResource[]
  readonly openApi: OpenApiDocuments
}

type AnswerPath = (request: ApiRequest) => ApiResponse | undefined

/** @returns undefined for a path that does not exist */
export function createPathAnswerer(deps: PathDeps): AnswerPath {
  const { resources, openApi } = deps
  return (request) => {
    const segments = request.path.split('/').filter((segment) => segment !== '')
    const [root, first, second, ...rest] = segments
    if (rest.length > 0 && root !== 'openapi') return undefined
    switch (root) {
      case 'api':
        return first === undefined
          ? apiRoot(request, resources)
          : json(renderResourceListAt(resources, '', first, second))
      case 'apis':
        if (first === undefined) return apisRoot(request, resources)
        return json(second === undefined ? renderGroup(resources, first) : renderResourceList(resources, first, second))
      case 'openapi':
        return openApi.answer(request, segments.slice(1))
      case 'version':
        return first === undefined ? json(version) : undefined
      case 'livez':
      case 'readyz':
      case 'healthz':
        return health(root, request, first)
      default:
        return root === undefined ? json({ paths: rootPaths(resources) }) : undefined
    }
  }
}

/** What `kubectl version` shows as the server. */
export const version = {
  major: '1',
  minor: '36',
  gitVersion: 'v1.36.0+frontdesk',
  gitCommit: '',
  gitTreeState: '',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: `node ${process.version}`,
  compiler: 'v8',
  platform: `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`,
}

function renderResourceListAt(
  resources: readonly ServedResource[],
  group: string,
  apiVersion: string,
  more: string | undefined,
): object | undefined {
  return more === undefined ? renderResourceList(resources, group, apiVersion) : undefined
}

function apiRoot(request: ApiRequest, resources: readonly ServedResource[]): ApiResponse | undefined {
  const aggregated = aggregatedVersion(request)
  if (!aggregated) return json(renderApiVersions(request.headers['host'] ?? ''))
  return aggregatedAnswer(request, renderAggregated(resources, aggregated, true), aggregated)
}

function apisRoot(request: ApiRequest, resources: readonly ServedResource[]): ApiResponse | undefined {
  const aggregated = aggregatedVersion(request)
  if (!aggregated) return json(renderGroupList(resources))
  return aggregatedAnswer(request, renderAggregated(resources, aggregated, false), aggregated)
}

/** The first version of aggregated discovery that the client lists before plain JSON. */
function aggregatedVersion(request: ApiRequest): 'v2' | 'v2beta1' | undefined {
  for (const { type, parameters } of parseMediaRanges(request.headers['accept'] ?? '')) {
    if (type !== 'application/json') continue
    const asked = parameters.get('v')
    if (parameters.get('as') === undefined) return undefined
    if (parameters.get('as') !== 'APIGroupDiscoveryList' || parameters.get('g') !== 'apidiscovery.k8s.io') continue
    if (asked === 'v2' || asked === 'v2beta1') return asked
  }
  return undefined
}

function aggregatedAnswer(request: ApiRequest, document: object, asked: string): ApiResponse {
  const type = `application/json;g=apidiscovery.k8s.io;v=${asked};as=APIGroupDiscoveryList`
  return taggedAnswer(request, Buffer.from(JSON.stringify(document)), { 'content-type': type, vary: 'Accept' })
}

function health(name: string, request: ApiRequest, check: string | undefined): ApiResponse | undefined {
  if (check !== undefined && check !== 'ping') return undefined
  const verbose = request.query.has('verbose')
  const text = verbose && check === undefined ? `[+]ping ok\n${name} check passed\n` : 'ok'
  return {
    status: 200,
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    body: { type: 'bytes', value: new TextEncoder().encode(text) },
  }
}

function rootPaths(resources: readonly ServedResource[]): string[] {
  const groups = [...new Set(resources.map(({ group }) => group))].filter((group) => group !== '')
  const versions = [...new Set(resources.map(({ group, version: served }) => `${group}/${served}`))]
  const ofGroups = groups.map((group) => `/apis/${group}`)
  const ofVersions = versions.filter((each) => !each.startsWith('/')).map((each) => `/apis/${each}`)
  const others = ['/healthz', '/livez', '/metrics', '/openapi/v2', '/openapi/v3', '/readyz', '/version']
  return ['/api', '/api/v1', '/apis', ...ofGroups, ...ofVersions, ...others].sort()
}

function json(value: object | undefined): ApiResponse | undefined {
  return value && { status: 200, headers: { 'content-type': 'application/json' }, body: { type: 'object', value } }
}
