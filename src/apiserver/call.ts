/** One request to a resource while it is answered. */
import type { Kind } from '#api/kind.ts'
import type { ApiRequest } from '#api/wire.ts'
import type { ResourceInfo } from './request/parse-request-info.ts'

export interface Call {
  readonly request: ApiRequest
  readonly info: ResourceInfo
  readonly kind: Kind
  /** One of the kind's older versions, when the path asks for it. */
  readonly olderVersion?: string
  /** Of the path; absent for cluster-scoped kinds and for lists over all namespaces. */
  readonly namespace: string | undefined
  /** Texts of `Warning` headers, in order, each once. */
  readonly warnings: Set<string>
}

/** What the body of the request says that it is. */
export function typeInBody({ kind, olderVersion }: Call): Kind {
  return olderVersion === undefined ? kind : { ...kind, version: olderVersion }
}

/** The name in the path. Routes without one never get here. */
export function nameOf(call: Call): string {
  return call.info.name ?? ''
}

/** Who writes, for pipelines. The field manager is what the client calls itself. */
export function writerOf(call: Call) {
  return {
    kind: call.kind,
    namespace: call.namespace,
    user: call.request.user,
    manager: managerOf(call.request),
    warn: (text: string) => void call.warnings.add(text),
  }
}

/** `fieldManager`, else the product of the User-Agent. */
function managerOf({ query, headers }: ApiRequest): string {
  return query.get('fieldManager') || (headers['user-agent'] ?? '').split('/')[0]! || 'unknown'
}
