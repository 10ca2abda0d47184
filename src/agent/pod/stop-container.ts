/** Ends a container: preStop hook, its stop signal, the grace period, SIGKILL. */
import { constants as osConstants } from 'node:os'
import { signalContainer, untilEntered } from '#kernel/sandbox/container-process.ts'
import type { ProcessIdentity } from '#kernel/process-identity.ts'

export interface StopInput {
  readonly shim: ProcessIdentity
  readonly rootfs: string
  /** Aborted when the container has ended. */
  readonly ended: AbortSignal
  /** Runs the preStop hook; absent without one. */
  readonly preStop?: (signal: AbortSignal) => Promise<void>
  /** Unix milliseconds by which it must be dead; may become earlier while we wait. */
  readonly deadlineMs: () => number
  readonly nowMs: () => number
  /** Resolves when `deadlineMs` may have changed. */
  readonly deadlineChanged: () => Promise<void>
  readonly stopSignal: number
}

/** After the hook a container gets at least this long, as in Kubernetes. */
const minimalGraceMs = 2_000

/** Resolves when SIGKILL was sent or the container has ended. */
export async function stopContainer(input: StopInput): Promise<void> {
  let deadline = input.deadlineMs
  if (input.preStop && deadline() > input.nowMs()) {
    const hook = new AbortController()
    const ran = input.preStop(AbortSignal.any([hook.signal, input.ended])).then(() => 'ran' as const)
    const outcome = await Promise.race([ran, untilDeadline(input, deadline).then(() => 'late' as const)])
    hook.abort(new Error('the grace period is over'))
    const leastMs = input.nowMs() + minimalGraceMs
    if (outcome === 'ran') deadline = () => Math.max(input.deadlineMs(), leastMs)
  }
  if (input.ended.aborted) return
  if (deadline() > input.nowMs()) {
    // Until its program has begun, pid 1 of a namespace would just ignore the signal.
    await Promise.race([untilEntered(input.shim, input.rootfs), untilDeadline(input, deadline)])
    signalContainer(input.shim, input.stopSignal)
    await untilDeadline(input, deadline)
  }
  if (!input.ended.aborted) signalContainer(input.shim, osConstants.signals.SIGKILL)
}

/** Resolves at the deadline or at the container's end. */
async function untilDeadline(input: StopInput, deadlineMs: () => number): Promise<void> {
  while (!input.ended.aborted) {
    const leftMs = deadlineMs() - input.nowMs()
    if (leftMs <= 0) return
    await Promise.race([pause(leftMs, input.ended), input.deadlineChanged()])
  }
}

function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', finish)
      resolve()
    }
    // Timers hold at most 2^31 - 1 milliseconds; the caller asks again.
    const timer = setTimeout(finish, Math.min(delayMs, 0x7fffffff))
    signal.addEventListener('abort', finish, { once: true })
    if (signal.aborted) finish()
  })
}

/** `SIGTERM`, `TERM`, `15`, `SIGRTMIN+3`; SIGTERM for what is unknown. */
export function signalNumber(name: string | undefined): number {
  const fallback = osConstants.signals.SIGTERM
  if (!name) return fallback
  if (/^[0-9]+$/.test(name)) return Number(name)
  const realTime = /^(?:SIG)?RTMIN\+([0-9]+)$/.exec(name)
  if (realTime) return 34 + Number(realTime[1])
  const full = name.startsWith('SIG') ? name : `SIG${name}`
  return (osConstants.signals as Record<string, number>)[full] ?? fallback
}
