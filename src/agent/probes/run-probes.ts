/** The probes of one running container, from its start until it is stopped. */
import type { Container } from '#api/container.ts'
import type { Probe } from '#api/probe.ts'
import { countResult, noResults, type ProbeCount } from './count-probe.ts'
import { probeOnce, type ProbeResult, type ProbeTarget } from './probe-handler.ts'

export interface ProbeListener {
  onReady(ready: boolean): void
  onStarted(): void
  /** One failed try; `kind` is `Liveness`, `Readiness` or `Startup`. */
  onUnhealthy(kind: string, message: string): void
  /** The container must be restarted. */
  onFailed(kind: 'Liveness' | 'Startup'): void
}

type Kind = 'Startup' | 'Liveness' | 'Readiness'

/**
 * Until readiness and startup probes succeed for the first time they are tried in short steps, so that a container that
 * is ready early is not held back by its period; those extra tries never count as failures.
 */
const firstStepMs = 20

export function runProbes(
  container: Pick<Container, 'startupProbe' | 'livenessProbe' | 'readinessProbe'>,
  target: ProbeTarget,
  listener: ProbeListener,
  options: { readonly startedAtMs: number; readonly nowMs: () => number; readonly alreadyStarted: boolean },
  signal: AbortSignal,
): void {
  const { startupProbe, livenessProbe, readinessProbe } = container
  const follow = (kind: Kind, probe: Probe, onVerdict: (verdict: boolean) => boolean) =>
    void loop({ kind, probe, target, listener, onVerdict, ...options }, signal)
  const afterStart = () => {
    listener.onStarted()
    if (!readinessProbe) listener.onReady(true)
    else {
      follow('Readiness', readinessProbe, (verdict) => {
        listener.onReady(verdict)
        return true
      })
    }
    if (livenessProbe) {
      follow('Liveness', livenessProbe, (verdict) => {
        if (!verdict) listener.onFailed('Liveness')
        return verdict
      })
    }
  }
  if (!startupProbe || options.alreadyStarted) return afterStart()
  follow('Startup', startupProbe, (verdict) => {
    if (verdict) afterStart()
    else listener.onFailed('Startup')
    return false
  })
}

interface LoopInput {
  readonly kind: Kind
  readonly probe: Probe
  readonly target: ProbeTarget
  readonly listener: ProbeListener
  /** Called when the verdict changes. @returns whether to go on */
  readonly onVerdict: (verdict: boolean) => boolean
  readonly startedAtMs: number
  readonly nowMs: () => number
}

async function loop(input: LoopInput, signal: AbortSignal): Promise<void> {
  const { kind, probe, listener } = input
  const periodMs = Math.max(1, probe.periodSeconds ?? 10) * 1000
  const thresholds = { success: probe.successThreshold ?? 1, failure: probe.failureThreshold ?? 3 }
  const initialMs = (probe.initialDelaySeconds ?? 0) * 1000 - (input.nowMs() - input.startedAtMs)
  let count: ProbeCount = noResults
  let stepMs = kind === 'Liveness' ? periodMs : Math.min(firstStepMs, periodMs)
  let dueMs = input.nowMs()
  if (!(await pause(initialMs, signal))) return
  while (!signal.aborted) {
    const result = await probeWithin(input, signal)
    if (signal.aborted) return
    const regular = input.nowMs() >= dueMs
    if (result.success || regular) {
      const before = count.verdict
      count = countResult(count, result.success, thresholds)
      if (!result.success) listener.onUnhealthy(kind, `${kind} probe failed: ${result.message}`)
      if (count.verdict !== undefined && count.verdict !== before && !input.onVerdict(count.verdict)) return
    }
    if (regular) dueMs = Math.max(dueMs + periodMs, input.nowMs())
    const early = count.verdict !== true && stepMs < periodMs
    if (!(await pause(early ? stepMs : Math.max(0, dueMs - input.nowMs()), signal))) return
    if (early) stepMs = Math.min(stepMs * 1.5, periodMs)
  }
}

async function probeWithin({ probe, target }: LoopInput, signal: AbortSignal): Promise<ProbeResult> {
  const timeoutMs = Math.max(1, probe.timeoutSeconds ?? 1) * 1000
  const limit = new AbortController()
  const timer = setTimeout(() => limit.abort(new Error('context deadline exceeded')), timeoutMs)
  try {
    const within = AbortSignal.any([signal, limit.signal])
    const result = await probeOnce(probe, target, within)
    if (!limit.signal.aborted) return result
    const message = probe.exec
      ? `command timed out: "${(probe.exec.command ?? []).join(' ')}" timed out after ${timeoutMs / 1000}s`
      : `${result.message.split(': This operation')[0]}: context deadline exceeded (Client.Timeout exceeded while awaiting headers)`
    return { success: false, message }
  } finally {
    clearTimeout(timer)
    // or the pod's signal keeps something of `within`, a kilobyte for each probe
    limit.abort()
  }
}

/** @returns false when the signal came first */
function pause(delayMs: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false)
  if (delayMs <= 0) return Promise.resolve(true)
  return new Promise((resolve) => {
    const finish = (result: boolean) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      resolve(result)
    }
    const onAbort = () => finish(false)
    const timer = setTimeout(() => finish(true), delayMs)
    signal.addEventListener('abort', onAbort, { once: true })
  })
}
