/** When the change happened that an endpoints object is written for: what latency measurements start from. */
import type { Pod } from '#api/pod.ts'
import type { Service } from '#api/service.ts'
import { readyCondition } from './pod-state.ts'
import { remember } from './remember.ts'

interface Seen {
  readonly serviceMs: number
  readonly podMs: ReadonlyMap<string, number>
}

/** Remembers per Service what was seen before; forget a Service when it is gone. */
export class TriggerTimes {
  readonly #seen = new Map<string, Seen>()

  /** Earliest change since the last call, as RFC 3339; undefined when nothing says when. */
  next(key: string, service: Service, pods: readonly Pod[]): string | undefined {
    const before = this.#seen.get(key)
    const now = { serviceMs: Date.parse(service.metadata.creationTimestamp ?? ''), podMs: podTimes(pods) }
    this.#seen.set(key, now)
    const changes = [...now.podMs].flatMap(([uid, ms]) => (ms > (before?.podMs.get(uid) ?? 0) ? [ms] : []))
    if (now.serviceMs > (before?.serviceMs ?? 0)) changes.push(now.serviceMs)
    return changes.length === 0 ? undefined : rfc3339(Math.min(...changes))
  }

  forget(key: string): void {
    this.#seen.delete(key)
  }
}

const readyChangedMs = remember((pod: Pod) => Date.parse(readyCondition(pod)?.lastTransitionTime ?? ''))

function podTimes(pods: readonly Pod[]): Map<string, number> {
  const times = new Map<string, number>()
  for (const pod of pods) {
    const changedMs = readyChangedMs(pod)
    if (!Number.isNaN(changedMs)) times.set(pod.metadata.uid ?? '', changedMs)
  }
  return times
}

function rfc3339(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z')
}
