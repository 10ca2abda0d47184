/** From a request on the wire to its answer: log in, read the body, ask the API, write. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { StatusError } from '#api/status-error.ts'
import type { ApiHandler, ApiRequest, ApiResponse, UserInfo } from '#api/wire.ts'
import type { Log } from '#observe/log.ts'
import type { Authenticate } from '../auth/authenticate.ts'
import { parseRequestInfo } from '../request/parse-request-info.ts'
import type { Streaming } from '../streaming/open-streaming.ts'
import type { Exchange } from './exchange.ts'
import { credentialsOf } from './peer-credentials.ts'
import { readBody } from './read-body.ts'
import { writeAnswer } from './write-answer.ts'
import { writeFailure } from './write-failure.ts'

export interface ExchangeDeps {
  readonly handle: ApiHandler
  readonly authenticate: Authenticate
  readonly streaming: Streaming
  readonly log: Log
}

/** Never rejects: whatever goes wrong is told to the client or to the log. */
export async function answerExchange(deps: ExchangeDeps, exchange: Exchange): Promise<void> {
  const startedMs = performance.now()
  let user: UserInfo | undefined
  try {
    user = deps.authenticate(credentialsOf(exchange.peer, exchange.headers.authorization))
    await answerUser(deps, exchange, user)
  } catch (error) {
    await writeFailure(exchange, error, deps.log).catch(() => exchange.destroy())
  }
  const { method, path } = exchange
  deps.log.debug({ method, path, user: user?.name, ms: Math.round(performance.now() - startedMs) }, 'answered')
}

async function answerUser(deps: ExchangeDeps, exchange: Exchange, user: UserInfo): Promise<void> {
  const info = parseRequestInfo({ ...exchange, method: exchange.method as ApiRequest['method'] })
  const streamed = deps.streaming.answer(exchange, info, user)
  if (streamed) return streamed
  if (!isServedMethod(exchange.method)) throw methodNotAllowed(exchange.method)
  const body = exchange.hasBody ? await readBody(exchange.input, exchange.headers['content-length']) : undefined
  const request: ApiRequest = {
    // The body of an answer to HEAD is left out at the end; until then it is a GET.
    method: exchange.method === 'HEAD' ? 'GET' : exchange.method,
    path: exchange.path,
    query: exchange.query,
    headers: exchange.headers,
    ...(body && { body }),
    user,
    signal: exchange.signal,
  }
  const isWatch = info.type === 'resource' && info.verb === 'watch'
  const answer = isWatch ? await deps.handle(request) : await withinTime(deps.handle, request, exchange)
  // As with watches (write-answer.ts): what a write makes this process do at once, new rules above all, goes first.
  if (request.method !== 'GET') await nextTurn()
  await writeAnswer(exchange, answer)
}

const servedMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

const isServedMethod = (method: string): method is (typeof servedMethods)[number] =>
  (servedMethods as readonly string[]).includes(method)

function methodNotAllowed(method: string): StatusError {
  const message = `the server does not allow the method ${method} on the requested resource`
  return failure(405, 'MethodNotAllowed', message)
}

const longestMs = 60_000

/** `timeout` may shorten the limit, never lengthen it. Watches have their own `timeoutSeconds`. */
async function withinTime(handle: ApiHandler, request: ApiRequest, exchange: Exchange): Promise<ApiResponse> {
  const { signal } = request
  const over = Promise.withResolvers<never>()
  const expire = () =>
    over.reject(failure(504, 'Timeout', 'Timeout: request did not complete within the allotted timeout'))
  // When the server stops, what it is doing is still finished and answered.
  const leave = () => exchange.gone && over.reject(signal.reason)
  const timer = setTimeout(expire, Math.min(parseDurationMs(request.query.get('timeout')) ?? longestMs, longestMs))
  signal.addEventListener('abort', leave, { once: true })
  try {
    return await Promise.race([handle(request), over.promise])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', leave)
  }
}

/** `32s`, `1m30s`, `500ms`; undefined for anything else, and for zero, which means no limit of its own. */
export function parseDurationMs(text: string | null): number | undefined {
  if (!text || !/^(\d+(\.\d+)?(ms|h|m|s))+$/.test(text)) return undefined
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)]
  const sum = parts.reduce((total, [, amount, unit]) => total + Number(amount) * units[unit ?? '']!, 0)
  return sum > 0 ? sum : undefined
}

function failure(code: number, reason: string, message: string): StatusError {
  return new StatusError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code })
}
