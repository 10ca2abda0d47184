import { integerColumn, nameColumn, textColumn, wide } from './columns.ts'
import type { Event } from './event.ts'
import { ageOf } from './human-duration.ts'
import type { Column } from './kind.ts'

export const eventColumns: readonly Column<Event>[] = [
  textColumn('Last Seen', lastSeenCell, { description: 'Time since the event was last seen.' }),
  textColumn('Type', (event) => event.type ?? ''),
  textColumn('Reason', (event) => event.reason ?? ''),
  textColumn('Object', objectCell),
  textColumn('Subobject', (event) => event.involvedObject.fieldPath ?? '', wide),
  textColumn('Source', sourceCell, wide),
  textColumn('Message', (event) => (event.message ?? '').trim()),
  textColumn('First Seen', (event, nowMs) => ageOf(firstSeen(event), nowMs), wide),
  integerColumn('Count', (event) => event.series?.count ?? (event.count || 1), wide),
  { ...nameColumn(), ...wide },
]

const firstSeen = (event: Event) => event.firstTimestamp ?? event.eventTime

function lastSeenCell(event: Event, nowMs: number): string {
  return ageOf(event.series?.lastObservedTime ?? event.lastTimestamp ?? firstSeen(event), nowMs)
}

function objectCell({ involvedObject: { kind = '', name = '' } }: Event): string {
  return name === '' ? kind.toLowerCase() : `${kind.toLowerCase()}/${name}`
}

function sourceCell({ source, reportingComponent, reportingInstance }: Event): string {
  const parts = [source?.component || reportingComponent, source?.host || reportingInstance]
  return parts.filter((part) => part).join(', ')
}
