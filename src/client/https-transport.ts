/** Requests to any Kubernetes API server over one connection, which is made when needed and made again when lost. */
import { setTimeout as delay } from 'node:timers/promises'
import type { ClusterAccess } from './cluster-access.ts'
import { WatchLineDecoder } from './decode-watch-lines.ts'
import { openConnection } from './open-connection.ts'
import type { Connection, RawAnswer, RawRequest } from './open-connection.ts'
import { parseAnswer } from './parse-answer.ts'
import { throwErrorEvents } from './throw-error-events.ts'
import type { Transport, TransportRequest } from './transport.ts'

/** As client-go does: a server that says when to come back is believed this often. */
const maxTries = 10

export function httpsTransport(access: ClusterAccess): Transport {
  const link = new Link(access)
  return {
    request: async (request) => {
      const signal = request.signal ?? new AbortController().signal
      for (let tries = 1; ; tries++) {
        const answer = await link.send(await rawRequest(access, request, signal))
        const text = await answer.text()
        const waitSeconds = Number(answer.retryAfter ?? NaN)
        const shouldRetry = (answer.status === 429 || answer.status >= 500) && waitSeconds >= 0 && tries < maxTries
        if (!shouldRetry) return parseAnswer(answer.status, text)
        await delay(waitSeconds * 1_000, undefined, { signal })
      }
    },
    watch: (request, signal) => watch(link, access, request, signal),
    [Symbol.asyncDispose]: async () => link.close(),
  }
}

async function* watch(link: Link, access: ClusterAccess, request: TransportRequest, signal: AbortSignal) {
  const ended = new AbortController()
  const end = () => ended.abort(signal.reason)
  if (signal.aborted) return
  signal.addEventListener('abort', end, { once: true })
  try {
    const answer = await link.send(await rawRequest(access, request, ended.signal))
    if (answer.status >= 400) parseAnswer(answer.status, await answer.text())
    const decoder = new WatchLineDecoder()
    for await (const chunk of answer.body) yield* throwErrorEvents(decoder.push(chunk))
  } catch (error) {
    if (!ended.signal.aborted) throw error
  } finally {
    // Also when the consumer leaves its loop early.
    ended.abort()
    signal.removeEventListener('abort', end)
  }
}

/** Holds the one connection; requests that come while it is being made share it. */
class Link {
  readonly #access: ClusterAccess
  #connecting: Promise<Connection> | undefined
  #connection: Connection | undefined
  #closed = false

  constructor(access: ClusterAccess) {
    this.#access = access
  }

  async send(request: RawRequest): Promise<RawAnswer> {
    const connection = await this.#usable()
    try {
      return await connection.send(request)
    } catch (error) {
      // The server may have closed an idle connection at the very moment of sending. A read does no harm twice; a
      // write may have happened, and only the caller knows what to do then.
      const lost = !connection.usable && !request.signal.aborted && !this.#closed
      if (!lost || request.method !== 'GET') throw error
      return (await this.#usable()).send(request)
    }
  }

  async #usable(): Promise<Connection> {
    if (this.#closed) throw new Error(`Cannot reach ${this.#access.server}: the client was closed`)
    if (this.#connection?.usable) return this.#connection
    this.#connecting ??= openConnection(this.#access).finally(() => (this.#connecting = undefined))
    const connection = await this.#connecting
    if (this.#closed) connection.close()
    this.#connection = connection
    return connection
  }

  close(): void {
    this.#closed = true
    this.#connection?.close()
  }
}

async function rawRequest(access: ClusterAccess, request: TransportRequest, signal: AbortSignal): Promise<RawRequest> {
  const prefix = new URL(access.server).pathname.replace(/\/$/, '')
  const query = request.query.size > 0 ? `?${request.query.toString()}` : ''
  const authorization = await authorizationOf(access)
  return {
    method: request.method,
    target: `${prefix}${request.path}${query}`,
    headers: {
      accept: 'application/json',
      'user-agent': request.userAgent,
      ...(authorization !== undefined && { authorization }),
      ...(request.body && { 'content-type': request.contentType ?? 'application/json' }),
    },
    ...(request.body && { body: JSON.stringify(request.body) }),
    signal,
    isWatch: request.query.get('watch') === 'true',
  }
}

async function authorizationOf(access: ClusterAccess): Promise<string | undefined> {
  if (access.token) return `Bearer ${await access.token()}`
  if (!access.basic) return undefined
  return `Basic ${Buffer.from(`${access.basic.username}:${access.basic.password}`).toString('base64')}`
}
