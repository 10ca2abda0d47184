/** Which URL a request for a kind goes to. */
import type { Kind } from '#api/kind.ts'
import type { ListQuery, ObjectRef, WatchQuery } from './contract.ts'

export type Addressed = Pick<Kind, 'group' | 'version' | 'plural' | 'namespaced' | 'kind'>

export function collectionPath(kind: Addressed, namespace: string | undefined): string {
  const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`
  const scope = kind.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : ''
  return `${root}${scope}/${kind.plural}`
}

export function objectPath(kind: Addressed, ref: ObjectRef, subresource?: string): string {
  if (ref.name === '') throw new TypeError(`Cannot address a ${kind.kind}: its name is empty`)
  if (kind.namespaced && !ref.namespace)
    throw new TypeError(`Cannot address ${kind.kind} ${ref.name}: it has no namespace`)
  const path = `${collectionPath(kind, ref.namespace)}/${encodeURIComponent(ref.name)}`
  return subresource === undefined ? path : `${path}/${subresource}`
}

/** The parts of a list or watch query that are not in the path. */
export function queryParameters(query: ListQuery & WatchQuery): URLSearchParams {
  const { namespace: _inPath, ...rest } = query
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(rest)) {
    if (value !== undefined && value !== '') parameters.set(name, String(value))
  }
  return parameters
}
