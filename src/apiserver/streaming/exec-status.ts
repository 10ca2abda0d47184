/** How a command's end is told on the error channel of exec and attach. */
import type { Status } from '#api/meta.ts'
import { StatusError } from '#api/status-error.ts'

/** Without kind and apiVersion: that is how Kubernetes sends it. */
export type FinalStatus = Pick<Status, 'metadata' | 'status' | 'message' | 'reason' | 'details'> & {
  readonly code?: number
}

export function statusOfExit(exitCode: number): FinalStatus {
  if (exitCode === 0) return { metadata: {}, status: 'Success' }
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit status ${exitCode}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(exitCode) }] },
  }
}

export function statusOfFailure(error: unknown): FinalStatus {
  if (error instanceof StatusError) return error.status
  const message = `error executing command in container: ${error instanceof Error ? error.message : String(error)}`
  return {
    metadata: {},
    status: 'Failure',
    message,
    reason: 'InternalError',
    details: { causes: [{ message }] },
    code: 500,
  }
}

/** Protocols before v4 carry plain text, and nothing for success. */
export function encodeStatus(status: FinalStatus, protocol: string): string | undefined {
  if (/^v[45]\./.test(protocol)) return JSON.stringify(status)
  return status.status === 'Success' ? undefined : status.message
}
