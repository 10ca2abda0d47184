/** Removes Events an hour after they were last written. */
import { Event } from '#api/event.ts'
import { isConflict, isNotFound } from '#api/status-error.ts'
import type { WorkQueue } from '#client/contract.ts'
import type { Controller, ControllerDeps } from '../contract.ts'
import { keyOf, parseKey, refOf } from '../object-key.ts'
import { startQueue } from '../start-queue.ts'

const ttlMs = 3_600_000

export function startEventTtl(deps: ControllerDeps, signal: AbortSignal): Controller {
  const name = 'event-ttl'
  const events = deps.informers.of(Event)

  const reconcile = async (key: string) => {
    const event = events.get(parseKey(key))
    if (!event) return
    const waitMs = lastWrittenMs(event) + ttlMs - deps.clock.nowMs()
    if (waitMs > 0) return queue.addAfter(key, waitMs)
    const { resourceVersion = '' } = event.metadata
    try {
      await deps.client.of(Event).delete(refOf(event), { preconditions: { resourceVersion } })
    } catch (error) {
      // Written again meanwhile: its event brings it back here.
      if (!isNotFound(error) && !isConflict(error)) throw error
    }
  }

  const queue: WorkQueue = startQueue(deps, { name, reconcile, caches: [events] }, signal)
  events.onChange(({ after }) => after && queue.add(keyOf(after)))
  return { name, idle: () => queue.idle() }
}

function lastWrittenMs({ metadata, eventTime, lastTimestamp, series }: Event): number {
  const times = [metadata.creationTimestamp, eventTime, lastTimestamp, series?.lastObservedTime]
  return Math.max(0, ...times.flatMap((time) => (time ? [Date.parse(time)] : [])))
}
