/** Events are kept for an hour. */
import { Event } from '#api/event.ts'
import type { Kind } from '#api/kind.ts'
import type { Clock } from '#lib/clock.ts'
import type { Log } from '#observe/log.ts'
import type { ObjectStore } from './objects/open-object-store.ts'

const keptMs = 60 * 60_000
const sweepEveryMs = 60_000

/** Removes events that nobody has repeated for an hour. */
export async function expireEvents(objects: ObjectStore, nowMs: number): Promise<void> {
  const kind = Event as unknown as Kind
  const old = objects.list(kind).filter(({ object }) => nowMs - lastSeenMs(object as Event) > keptMs)
  await Promise.all(old.map(({ object }) => objects.remove(kind, object)))
}

export function startEventExpiry(objects: ObjectStore, clock: Clock, log: Log, signal: AbortSignal): void {
  const sweep = () => {
    expireEvents(objects, clock.nowMs()).catch((error: unknown) => log.warn({ error: String(error) }, 'events stay'))
  }
  const timer = setInterval(sweep, sweepEveryMs)
  timer.unref()
  signal.addEventListener('abort', () => clearInterval(timer))
}

function lastSeenMs({ metadata, lastTimestamp, eventTime, series }: Event): number {
  const times = [metadata.creationTimestamp, lastTimestamp, eventTime, series?.lastObservedTime]
  return Math.max(...times.map((time) => (time === undefined ? 0 : Date.parse(time))))
}
