import { StatusError } from '#api/status-error.ts'

/** Says nothing of what was wrong with the credentials. */
export function unauthorized(): StatusError {
  return new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'Unauthorized',
    reason: 'Unauthorized',
    code: 401,
  })
}
