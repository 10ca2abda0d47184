/** One HTTP request and its answer, whichever HTTP version carries it. */
import type { Readable, Writable } from 'node:stream'

export type OutgoingHeaders = Readonly<Record<string, string | readonly string[]>>

/** The other end of a TLS connection, as far as logging in needs it. */
export interface TlsPeer {
  /** Whether its certificate is signed by our authority. */
  readonly authorized: boolean
  getPeerCertificate(): { readonly subject?: unknown } | undefined
}

export interface Exchange {
  readonly method: string
  /** Still percent-encoded, without query. */
  readonly path: string
  readonly query: URLSearchParams
  /** Lower-case names; several values of one name are joined by commas. */
  readonly headers: Readonly<Record<string, string>>
  readonly peer: TlsPeer
  readonly input: Readable
  /** Whether anything can come from `input`. */
  readonly hasBody: boolean
  /** Sends the head at once; the body goes into what it returns, which the caller must end. */
  respond(status: number, headers: OutgoingHeaders): Writable
  /** Whether the head was sent: afterwards no other status can be told. */
  readonly responded: boolean
  /** Breaks off so that the client notices. */
  destroy(): void
  /** Aborted when the client has gone or the server stops. */
  readonly signal: AbortSignal
  /** Whether the client has gone: nobody will read an answer. */
  readonly gone: boolean
}

/** Why a request's signal aborts. Shared: an error of its own, with a stack, would cost more than a small answer. */
export const requestOver = new Error('the client has gone or the server stops')

export function splitTarget(target: string): { path: string; query: URLSearchParams } {
  const mark = target.indexOf('?')
  if (mark === -1) return { path: target, query: new URLSearchParams() }
  return { path: target.slice(0, mark), query: new URLSearchParams(target.slice(mark + 1)) }
}

export function flattenHeaders(
  headers: Readonly<Record<string, string | number | readonly string[] | undefined>>,
): Record<string, string> {
  const flat: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(':') || value === undefined) continue
    flat[name] = typeof value === 'object' ? value.join(', ') : String(value)
  }
  return flat
}
