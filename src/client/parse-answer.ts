/** What an answer of the API says: an object, or the failure it describes. */
import type { Status } from '#api/meta.ts'
import { StatusError } from '#api/status-error.ts'

/** @returns the JSON value, undefined for an empty body; throws StatusError for every status from 400 up */
export function parseAnswer(httpStatus: number, text: string): unknown {
  if (httpStatus < 400) return text === '' ? undefined : JSON.parse(text)
  throw new StatusError(parseFailure(httpStatus, text))
}

export function checkAnswer(httpStatus: number, value: unknown): unknown {
  if (httpStatus < 400) return value
  throw new StatusError(isStatus(value) ? value : statusFromText(httpStatus, ''))
}

function parseFailure(httpStatus: number, text: string): Status {
  if (text.startsWith('{')) {
    try {
      const value: unknown = JSON.parse(text)
      if (isStatus(value)) return { ...value, code: value.code ?? httpStatus }
    } catch {
      // Not JSON after all: an intermediate proxy's page. Its text is all there is to tell.
    }
  }
  return statusFromText(httpStatus, text)
}

const isStatus = (value: unknown): value is Status =>
  typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'Status'

/** Reasons of the codes that come without a Status, for example 404 of an unknown path. */
const reasons: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  409: 'Conflict',
  410: 'Expired',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
}

function statusFromText(httpStatus: number, text: string): Status {
  const reason = reasons[httpStatus]
  const message = text.trim().slice(0, 1024) || `the server answered with HTTP status ${httpStatus}`
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    ...(reason !== undefined && { reason }),
    code: httpStatus,
  }
}
