import type { Status } from './meta.ts'

/** An answer of the API that is not a success. The Status is exactly what goes over the wire. */
export class StatusError extends Error {
  readonly status: Status
  constructor(status: Status, options?: ErrorOptions) {
    super(status.message ?? status.reason ?? 'unknown API failure', options)
    this.name = 'StatusError'
    this.status = status
  }
  get code(): number {
    return this.status.code ?? 500
  }
  get reason(): string | undefined {
    return this.status.reason
  }
}

const hasReason =
  (...reasons: string[]) =>
  (error: unknown): error is StatusError =>
    error instanceof StatusError && reasons.includes(error.reason ?? '')

export const isNotFound = hasReason('NotFound')
export const isAlreadyExists = hasReason('AlreadyExists')
export const isConflict = hasReason('Conflict')
export const isExpired = hasReason('Expired', 'Gone')
export const isInvalid = hasReason('Invalid')
export const isForbidden = hasReason('Forbidden')
