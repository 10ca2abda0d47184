/** The one place where failures become answers. */
import { StatusError } from '#api/status-error.ts'
import type { ApiResponse } from '#api/wire.ts'
import { internalError } from '../api-errors.ts'

/** What nobody expected is reported, and told to the client without its inner workings. */
export function failureAnswer(error: unknown, report: (cause: unknown) => void): ApiResponse {
  if (!(error instanceof StatusError)) report(error)
  const { status, code } = error instanceof StatusError ? error : internalError('the server has a fault; see its log')
  const retry = status.details?.retryAfterSeconds
  return {
    status: code,
    headers: { 'content-type': 'application/json', ...(retry !== undefined && { 'retry-after': String(retry) }) },
    body: { type: 'object', value: status },
  }
}
