/** What the server serves, resource by resource, from the declarations of the kinds. */
import type { Kind } from '#api/kind.ts'

export interface ServedSubresource {
  readonly name: string
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly verbs: readonly string[]
}

export interface ServedResource {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly singular: string
  readonly kind: string
  readonly namespaced: boolean
  readonly verbs: readonly string[]
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly subresources: readonly ServedSubresource[]
}

/** Resources that only answer a POST and store nothing: access and token reviews. */
export interface PostOnlyResource {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  readonly singular: string
  readonly namespaced: boolean
}

const storageVerbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']
const readWrite = ['get', 'patch', 'update']
const proxyVerbs = ['create', 'delete', 'get', 'patch', 'update']

export function servedResources(kinds: readonly Kind[], postOnly: readonly PostOnlyResource[] = []): ServedResource[] {
  return [
    ...[...kinds.map((kind) => [kind.version, kind] as const), ...withOlderVersions(kinds)].map(
      ([version, kind]): ServedResource => {
        const { group, plural, singular, namespaced, shortNames, categories } = kind
        const names = { group, version, plural, singular, kind: kind.kind, namespaced, shortNames, categories }
        return { ...names, verbs: storageVerbs, subresources: subresourcesOf({ ...kind, version }) }
      },
    ),
    ...postOnly.map((resource): ServedResource => ({
      ...resource,
      verbs: ['create'],
      shortNames: [],
      categories: [],
      subresources: [],
    })),
  ]
}

/** The versions that kinds have besides their own. */
export function withOlderVersions(kinds: readonly Kind[]): (readonly [version: string, kind: Kind])[] {
  return kinds.flatMap((kind) => kind.olderVersions.map((version) => [version, kind] as const))
}

export function subresourcesOf(kind: Kind): ServedSubresource[] {
  const own = { group: kind.group, version: kind.version }
  const special = kind.group === '' ? (coreSubresources[kind.plural] ?? []) : []
  return [
    ...(kind.hasStatus ? [{ ...own, name: 'status', kind: kind.kind, verbs: readWrite }] : []),
    ...(kind.scale ? [{ name: 'scale', group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: readWrite }] : []),
    ...special,
  ]
}

const core = { group: '', version: 'v1' }

const coreSubresources: Readonly<Record<string, readonly ServedSubresource[]>> = {
  pods: [
    { ...core, name: 'attach', kind: 'PodAttachOptions', verbs: ['create', 'get'] },
    { ...core, name: 'binding', kind: 'Binding', verbs: ['create'] },
    { ...core, name: 'ephemeralcontainers', kind: 'Pod', verbs: readWrite },
    { name: 'eviction', group: 'policy', version: 'v1', kind: 'Eviction', verbs: ['create'] },
    { ...core, name: 'exec', kind: 'PodExecOptions', verbs: ['create', 'get'] },
    { ...core, name: 'log', kind: 'Pod', verbs: ['get'] },
    { ...core, name: 'portforward', kind: 'PodPortForwardOptions', verbs: ['create', 'get'] },
    { ...core, name: 'proxy', kind: 'PodProxyOptions', verbs: proxyVerbs },
  ],
  services: [{ ...core, name: 'proxy', kind: 'ServiceProxyOptions', verbs: proxyVerbs }],
  namespaces: [{ ...core, name: 'finalize', kind: 'Namespace', verbs: ['update'] }],
  serviceaccounts: [
    { name: 'token', group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest', verbs: ['create'] },
  ],
}
