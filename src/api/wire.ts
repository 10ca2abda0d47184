/**
 * A request to the API and its answer, without a transport: what HTTPS carries and what in-process callers pass
 * directly. Objects given or returned in process are never changed afterwards by either side.
 */
import type { KubeObject } from './meta.ts'

export interface UserInfo {
  readonly name: string
  readonly uid?: string
  readonly groups: readonly string[]
}

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD' | 'OPTIONS'
  /** Path without query, still percent-encoded: `/api/v1/namespaces/default/pods`. */
  readonly path: string
  readonly query: URLSearchParams
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /** Raw bytes from the network, or a ready object (JSON semantics) from a caller in the same process. */
  readonly body?: Uint8Array | object
  readonly user: UserInfo
  /** Aborted when the caller has gone or the server stops. */
  readonly signal: AbortSignal
}

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'

export interface WatchEvent<T = KubeObject> {
  readonly type: WatchEventType
  readonly object: T
}

/** One watch event as the server hands it out; `json` is made once and shared by all HTTP watchers. */
export interface EncodedWatchEvent {
  readonly event: WatchEvent
  /** The line `{"type":…,"object":…}\n`. */
  json(): Uint8Array
}

export type ApiBody =
  | { readonly type: 'object'; readonly value: object }
  | { readonly type: 'bytes'; readonly value: Uint8Array }
  | { readonly type: 'watch'; readonly events: AsyncIterable<readonly EncodedWatchEvent[]> }
  | { readonly type: 'stream'; readonly chunks: AsyncIterable<Uint8Array> }

export interface ApiResponse {
  readonly status: number
  /** Lower-case names; `content-type` is set by the server for every body. */
  readonly headers: Readonly<Record<string, string>>
  readonly body?: ApiBody
  /** Texts of `Warning` headers. */
  readonly warnings?: readonly string[]
}

export type ApiHandler = (request: ApiRequest) => Promise<ApiResponse>
