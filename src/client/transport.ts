/** How requests reach an API server. Two implementations behave alike: in-process and HTTPS. */
import type { WatchEvent } from '#api/wire.ts'

export interface TransportRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Percent-encoded, without query. */
  readonly path: string
  readonly query: URLSearchParams
  readonly userAgent: string
  /** Type of `body`; JSON when absent. */
  readonly contentType?: string
  readonly body?: object
  readonly signal?: AbortSignal
}

/** Failures of the API throw StatusError; anything else that throws means that the server was not reached. */
export interface Transport extends AsyncDisposable {
  /** @returns the answer's object, which nobody changes afterwards; undefined for an empty body */
  request(request: TransportRequest): Promise<unknown>
  /** Batches of events as they come; ends when the server ends the watch or the signal aborts. ERROR events throw. */
  watch(request: TransportRequest, signal: AbortSignal): AsyncIterable<readonly WatchEvent[]>
}
