/** Requests to an API server in the same process: objects pass as they are, nothing is serialised. */
import type { ApiHandler, ApiRequest, ApiResponse, UserInfo } from '#api/wire.ts'
import { checkAnswer, parseAnswer } from './parse-answer.ts'
import { throwErrorEvents } from './throw-error-events.ts'
import type { Transport, TransportRequest } from './transport.ts'

/** @param user who asks; the transport does no authentication */
export function inProcessTransport(handle: ApiHandler, user: UserInfo): Transport {
  const watches = new Set<AbortController>()

  return {
    request: async (request) =>
      readObject(await handle(apiRequest(request, user, request.signal ?? new AbortController().signal))),

    watch: async function* (request, signal) {
      const ended = new AbortController()
      const end = () => ended.abort(signal.reason)
      if (signal.aborted) return
      signal.addEventListener('abort', end, { once: true })
      watches.add(ended)
      try {
        const response = await handle(apiRequest(request, user, ended.signal))
        if (response.body?.type !== 'watch') throw noWatch(request, response)
        for await (const batch of response.body.events) {
          yield* throwErrorEvents(batch.map((encoded) => encoded.event))
        }
      } catch (error) {
        if (!ended.signal.aborted) throw error
      } finally {
        // Also when the consumer leaves its loop early: the server must learn of it.
        ended.abort()
        watches.delete(ended)
        signal.removeEventListener('abort', end)
      }
    },

    [Symbol.asyncDispose]: async () => {
      for (const watch of watches) watch.abort()
    },
  }
}

function apiRequest(request: TransportRequest, user: UserInfo, signal: AbortSignal): ApiRequest {
  return {
    method: request.method,
    path: request.path,
    query: request.query,
    headers: {
      accept: 'application/json',
      'user-agent': request.userAgent,
      ...(request.body && { 'content-type': request.contentType ?? 'application/json' }),
    },
    ...(request.body && { body: request.body }),
    user,
    signal,
  }
}

function noWatch(request: TransportRequest, response: ApiResponse): Error {
  readObject(response)
  return new Error(`Cannot watch ${request.path}: the server did not answer with events`)
}

function readObject({ status, body }: ApiResponse): unknown {
  switch (body?.type) {
    case undefined:
      return checkAnswer(status, undefined)
    case 'object':
      return checkAnswer(status, body.value)
    case 'bytes':
      return parseAnswer(status, new TextDecoder().decode(body.value))
    case 'watch':
    case 'stream':
      throw new Error('Cannot read an object: the server answered with a stream')
    default:
      return body satisfies never
  }
}
