import { invalidValue } from './findings.ts'
import { eventColumns } from './event-columns.ts'
import { defineKind, type Finding, type ValidationContext } from './kind.ts'
import { kindSchema } from './meta-schema.ts'
import { ObjectReference } from './references.ts'
import { field, int32, microTime, object, pointer, string, time, type Static } from './schema.ts'
import { validateObjectMeta } from './validate-object-meta.ts'

export const EventSource = object('io.k8s.api.core.v1.EventSource', {
  component: field(1, string()),
  host: field(2, string()),
})
export type EventSource = Static<typeof EventSource>

export const EventSeries = object('io.k8s.api.core.v1.EventSeries', {
  count: field(1, int32()),
  lastObservedTime: field(2, microTime()),
})
export type EventSeries = Static<typeof EventSeries>

const eventSchema = kindSchema(
  'io.k8s.api.core.v1.Event',
  {
    involvedObject: field(2, ObjectReference, { required: true }),
    reason: field(3, string()),
    message: field(4, string()),
    source: field(5, EventSource),
    firstTimestamp: field(6, time()),
    lastTimestamp: field(7, time()),
    count: field(8, int32()),
    type: field(9, string()),
    eventTime: field(10, microTime()),
    series: pointer(11, EventSeries),
    action: field(12, string()),
    related: pointer(13, ObjectReference),
    reportingComponent: field(14, string(), { zero: 'keep' }),
    reportingInstance: field(15, string(), { zero: 'keep' }),
  },
  'Something that happened to an object, kept for an hour.',
)
export type Event = Static<typeof eventSchema>

export const Event = defineKind<Event>({
  group: '',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  shortNames: ['ev'],
  schema: eventSchema,
  createOnUpdate: true,
  columns: eventColumns,
  selectableFields: {
    'involvedObject.kind': (event) => event.involvedObject.kind ?? '',
    'involvedObject.namespace': (event) => event.involvedObject.namespace ?? '',
    'involvedObject.name': (event) => event.involvedObject.name ?? '',
    'involvedObject.uid': (event) => event.involvedObject.uid ?? '',
    'involvedObject.apiVersion': (event) => event.involvedObject.apiVersion ?? '',
    'involvedObject.resourceVersion': (event) => event.involvedObject.resourceVersion ?? '',
    'involvedObject.fieldPath': (event) => event.involvedObject.fieldPath ?? '',
    reason: (event) => event.reason ?? '',
    reportingComponent: (event) => event.reportingComponent ?? '',
    source: (event) => event.source?.component || event.reportingComponent || '',
    type: (event) => event.type ?? '',
  },
  validate: validateEvent,
})

function validateEvent(event: Event, { before }: ValidationContext<Event>): Finding[] {
  const { metadata, involvedObject } = event
  const findings = validateObjectMeta(metadata, { namespaced: true, before: before?.metadata })
  // Events about cluster-scoped objects live in `default`.
  const expected = involvedObject?.namespace || 'default'
  if (
    metadata.namespace !== expected &&
    !(involvedObject?.namespace === undefined && metadata.namespace === 'kube-system')
  ) {
    const detail = 'does not match event.namespace'
    findings.push(invalidValue('involvedObject.namespace', involvedObject?.namespace ?? '', detail))
  }
  return findings
}
