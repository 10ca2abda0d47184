import type { Status } from '#api/meta.ts'
import { StatusError } from '#api/status-error.ts'
import type { WatchEvent } from '#api/wire.ts'

/** Hands on what comes before an ERROR event, then throws what the ERROR says. */
export function* throwErrorEvents(batch: readonly WatchEvent[]): Generator<readonly WatchEvent[]> {
  const index = batch.findIndex((event) => event.type === 'ERROR')
  if (index === -1) {
    if (batch.length > 0) yield batch
    return
  }
  if (index > 0) yield batch.slice(0, index)
  throw new StatusError(batch[index]?.object as unknown as Status)
}
