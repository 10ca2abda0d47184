/** Failures of the transport layer as Status answers, the same shape as the API's own. */
import { StatusError } from '#api/status-error.ts'
import type { Status } from '#api/meta.ts'
import type { Log } from '#observe/log.ts'
import { internalError } from '../api-errors.ts'
import type { Exchange } from './exchange.ts'
import { writeAnswer } from './write-answer.ts'

/** What is told of an error: its own Status, or a fault without inner workings, which goes to the log. */
export function statusOf(error: unknown, log: Log, about: string): Status {
  if (error instanceof StatusError) return error.status
  log.error({ request: about, error: error instanceof Error ? error.stack : String(error) }, 'request failed')
  return internalError('the server has a fault; see its log').status
}

export async function writeFailure(exchange: Exchange, error: unknown, log: Log): Promise<void> {
  if (exchange.gone || exchange.responded) {
    if (!exchange.gone) statusOf(error, log, `${exchange.method} ${exchange.path}`)
    exchange.destroy()
    return
  }
  const status = statusOf(error, log, `${exchange.method} ${exchange.path}`)
  const retry = status.details?.retryAfterSeconds
  await writeAnswer(exchange, {
    status: status.code ?? 500,
    headers: { 'content-type': 'application/json', ...(retry !== undefined && { 'retry-after': String(retry) }) },
    body: { type: 'object', value: status },
  })
}
