/** Exit codes are part of the promise to scripts: documented in `--help`, never changed. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  timedOut: 4,
  hostCannot: 5,
  conflict: 6,
  answerIsNo: 7,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

export interface CliErrorDetails {
  readonly cause?: string
  /** One command, or one sentence, that mends it. */
  readonly fix?: string
  readonly log?: string
}

/** A failure that was expected: what failed, the likely cause, and what to do. */
export class CliError extends Error {
  readonly exitCode: ExitCode
  readonly details: CliErrorDetails
  constructor(exitCode: ExitCode, message: string, details: CliErrorDetails = {}, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CliError'
    this.exitCode = exitCode
    this.details = details
  }
}

export function renderCliError(error: CliError): string {
  const rows = [
    ['cause', error.details.cause],
    ['fix', error.details.fix],
    ['log', error.details.log],
  ].filter((row): row is [string, string] => row[1] !== undefined)
  return [`error: ${error.message}`, ...rows.map(([label, text]) => `  ${label.padEnd(7)} ${text}`)].join('\n')
}

export const exitCodeHelp = `Exit codes:
  0  done, or already in the wanted state
  1  failed
  2  wrong usage or bad config file
  3  not found
  4  timed out waiting
  5  this host cannot do it (see: frontdesk doctor)
  6  conflict: name, port or address in use
  7  the check ran and the answer is no`
