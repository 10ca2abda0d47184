/** Watch events as Tables or as metadata only. */
import type { EncodedWatchEvent } from '#api/wire.ts'
import type { Clock } from '#lib/clock.ts'
import { encodeOtherEvent } from '../cache/encode-event.ts'
import type { Call } from '../call.ts'
import type { Accepted } from '../request/parse-accept.ts'
import { partialMetadata } from './page.ts'
import { transformObject } from './render-answer.ts'

type Transform = (events: readonly EncodedWatchEvent[]) => readonly EncodedWatchEvent[]

/** Columns are defined only in the first Table of a watch. ERROR objects pass as they are. */
export function eventTransformer(call: Call, accepted: Accepted, clock: Clock): Transform {
  if (accepted.as === 'object') return (events) => events
  if (accepted.as !== 'table') {
    return (events) =>
      events.map(({ event }) => encodeOtherEvent(event.type, partialMetadata(event.object, accepted.version)))
  }
  let first = true
  return (events) =>
    events.map(({ event }) => {
      const table = transformObject(call, accepted, event.object, clock.nowMs()) as { columnDefinitions: unknown }
      const shown = event.type === 'BOOKMARK' ? { ...table, rows: [] } : table
      const value = first ? shown : { ...shown, columnDefinitions: null }
      first = false
      return encodeOtherEvent(event.type, value)
    })
}
