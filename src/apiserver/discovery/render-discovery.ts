/** Discovery documents, aggregated and legacy, from the list of served resources. */
import { apiVersionOf } from '#api/kind.ts'
import type { ServedResource } from './served-resources.ts'

interface Version {
  readonly version: string
  readonly resources: readonly ServedResource[]
}

interface Group {
  readonly name: string
  readonly versions: readonly Version[]
}

/** In the order of the resources, which is the order of preference. */
function groupsOf(resources: readonly ServedResource[]): Group[] {
  return Array.from(
    Map.groupBy(resources, ({ group }) => group),
    ([name, members]) => ({
      name,
      versions: Array.from(
        Map.groupBy(members, ({ version }) => version),
        ([version, served]) => ({ version, resources: served }),
      ),
    }),
  )
}

/** `GET /api` (core) and `GET /apis` (the rest) for clients that know aggregated discovery. */
export function renderAggregated(
  resources: readonly ServedResource[],
  version: 'v2' | 'v2beta1',
  core: boolean,
): object {
  const groups = groupsOf(resources).filter(({ name }) => (name === '') === core)
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map((group) => ({
      metadata: group.name === '' ? {} : { name: group.name },
      versions: group.versions.map((each) => ({
        version: each.version,
        freshness: 'Current',
        resources: each.resources.map(aggregatedResource),
      })),
    })),
  }
}

function aggregatedResource(resource: ServedResource): object {
  const { group, version, kind, plural, namespaced, singular, verbs, shortNames, categories, subresources } = resource
  return {
    resource: plural,
    responseKind: { group, version, kind },
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs,
    ...(shortNames.length > 0 && { shortNames }),
    ...(categories.length > 0 && { categories }),
    ...(subresources.length > 0 && {
      subresources: subresources.map((sub) => ({
        subresource: sub.name,
        responseKind: { group: sub.group, version: sub.version, kind: sub.kind },
        verbs: sub.verbs,
      })),
    }),
  }
}

/** `GET /api` for clients that do not. */
export function renderApiVersions(serverAddress: string): object {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
  }
}

/** `GET /apis`. */
export function renderGroupList(resources: readonly ServedResource[]): object {
  const groups = groupsOf(resources).filter(({ name }) => name !== '')
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(groupBody) }
}

/** `GET /apis/{group}`; undefined for an unknown group. */
export function renderGroup(resources: readonly ServedResource[], name: string): object | undefined {
  const group = groupsOf(resources).find((candidate) => candidate.name === name && name !== '')
  return group && { kind: 'APIGroup', apiVersion: 'v1', ...groupBody(group) }
}

function groupBody({ name, versions }: Group) {
  const entries = versions.map(({ version }) => ({ groupVersion: `${name}/${version}`, version }))
  return { name, versions: entries, preferredVersion: entries[0] }
}

/** `GET /api/v1` and `GET /apis/{group}/{version}`; undefined for an unknown version. */
export function renderResourceList(
  resources: readonly ServedResource[],
  group: string,
  version: string,
): object | undefined {
  const served = resources.filter((resource) => resource.group === group && resource.version === version)
  if (served.length === 0) return undefined
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: apiVersionOf({ group, version }),
    resources: served.flatMap(legacyResources),
  }
}

function legacyResources(resource: ServedResource): object[] {
  const { plural, singular, namespaced, kind, verbs, shortNames, categories } = resource
  const own = {
    name: plural,
    singularName: singular,
    namespaced,
    kind,
    verbs,
    ...(shortNames.length > 0 && { shortNames }),
    ...(categories.length > 0 && { categories }),
  }
  const subresources = resource.subresources.map((sub) => ({
    name: `${plural}/${sub.name}`,
    singularName: '',
    namespaced,
    ...((sub.group !== resource.group || sub.version !== resource.version) && {
      group: sub.group,
      version: sub.version,
    }),
    kind: sub.kind,
    verbs: sub.verbs,
  }))
  return [own, ...subresources]
}
