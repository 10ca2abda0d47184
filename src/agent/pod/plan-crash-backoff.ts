/** When a container that has ended may start again: 10 s, doubling up to 5 min; the first restart is immediate. */
import type { CrashBackoff } from './container-record.ts'

export const firstDelayMs = 10_000
export const maxDelayMs = 300_000

export type RestartDecision =
  | { readonly type: 'start'; readonly backoff: CrashBackoff }
  | { readonly type: 'wait'; readonly untilMs: number; readonly delayMs: number }

export function planRestart(backoff: CrashBackoff | undefined, finishedAtMs: number, nowMs: number): RestartDecision {
  const expired = backoff && finishedAtMs - backoff.updatedAtMs > 2 * maxDelayMs
  if (backoff && !expired && nowMs < finishedAtMs + backoff.delayMs) {
    return { type: 'wait', untilMs: finishedAtMs + backoff.delayMs, delayMs: backoff.delayMs }
  }
  const delayMs = backoff && !expired ? Math.min(backoff.delayMs * 2, maxDelayMs) : firstDelayMs
  return { type: 'start', backoff: { delayMs, updatedAtMs: finishedAtMs } }
}

/** Whole seconds as Go prints a duration: `10s`, `1m20s`, `5m0s`. */
export function formatDelay(delayMs: number): string {
  const seconds = Math.round(delayMs / 1000)
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`
}
