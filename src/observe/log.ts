/** Structured logging: one JSON line per entry, through pino. */
import { pino } from 'pino'

export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  /** The same log with fields added to every line. */
  child(fields: object): Log
}

/** Writes to a file descriptor synchronously, so that nothing is lost when the process is killed. */
export function openLog(component: string, fd = 2, level = 'info'): Log {
  return pino(
    { base: { component }, level, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ fd, sync: true }),
  )
}

/** Says nothing; for tests and callers that want silence. */
export const silentLog: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLog,
}
