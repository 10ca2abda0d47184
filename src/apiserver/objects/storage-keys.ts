/** Where objects lie in the store. Lists and continue tokens follow this order: namespace, then name. */
import type { Kind } from '#api/kind.ts'

export const registryPrefix = '/registry/'

export function resourcePrefix(kind: Pick<Kind, 'group' | 'plural'>): string {
  return `${registryPrefix}${kind.group === '' ? 'core' : kind.group}/${kind.plural}/`
}

export function storageKey(kind: Kind, namespace: string | undefined, name: string): string {
  return `${listPrefix(kind, namespace)}${name}`
}

/** All objects of the kind, or those of one namespace. */
export function listPrefix(kind: Kind, namespace: string | undefined): string {
  const prefix = resourcePrefix(kind)
  return kind.namespaced && namespace !== undefined ? `${prefix}${namespace}/` : prefix
}

/** The resource that a key belongs to; undefined for keys of another shape. */
export function resourcePrefixOf(key: string): string | undefined {
  const groupEnd = key.indexOf('/', registryPrefix.length)
  const resourceEnd = groupEnd < 0 ? -1 : key.indexOf('/', groupEnd + 1)
  return resourceEnd < 0 ? undefined : key.slice(0, resourceEnd + 1)
}
