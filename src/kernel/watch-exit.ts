/** Tells when a process has ended, whoever started it. */
import { SystemCallError, close, errnoOf, pollReadable } from './libc.ts'
import { openPidfd, reapChild } from './libc-process.ts'
import { isRunning, type ProcessIdentity } from './process-identity.ts'

/** Calls back once, also (soon) when the process has ended already. Reaps it if it is ours. */
export function watchExit(target: ProcessIdentity, onExit: () => void): { close(): void } {
  let pidfd: number
  try {
    pidfd = openPidfd(target.pid)
  } catch (error) {
    if (!(error instanceof SystemCallError && error.errno === errnoOf.ESRCH)) throw error
    return callSoon(onExit)
  }
  if (!isRunning(target)) {
    close(pidfd)
    reapChild(target.pid)
    return callSoon(onExit)
  }
  let closed = false
  const finish = () => {
    if (closed) return false
    closed = true
    handle.close()
    close(pidfd)
    return true
  }
  const handle = pollReadable(pidfd, () => {
    if (!finish()) return
    reapChild(target.pid)
    onExit()
  })
  return { close: () => void finish() }
}

function callSoon(onExit: () => void): { close(): void } {
  const timer = setImmediate(onExit)
  return { close: () => clearImmediate(timer) }
}
