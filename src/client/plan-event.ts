/** Which Event to write about something that happened: a new one, or a higher count on one already written. */
import type { Event } from '#api/event.ts'
import type { KubeObject, ObjectMeta } from '#api/meta.ts'
import type { ObjectRef } from './contract.ts'
import { keyOf } from './informer-cache.ts'

/** An Event with what this room always fills in. */
export type WrittenEvent = Event & { readonly count: number; readonly lastTimestamp: string }

export interface Occurrence {
  readonly regarding: KubeObject
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
  readonly atMs: number
}

export type EventPlan =
  | { readonly action: 'create'; readonly event: WrittenEvent }
  | {
      readonly action: 'patch'
      readonly ref: ObjectRef
      readonly patch: { readonly count: number; readonly lastTimestamp: string }
      /** What to create when the counted Event has gone meanwhile. */
      readonly otherwise: WrittenEvent
    }

const repeatWindowMs = 10 * 60_000
const rememberedEvents = 4_096

/** Remembers what it planned; one per component and process. */
export class EventAggregator {
  readonly #source: { component: string; host?: string }
  readonly #written = new Map<string, { event: WrittenEvent; lastMs: number }>()
  #sequence = 0

  constructor(source: { component: string; host?: string }) {
    this.#source = source
  }

  plan(occurrence: Occurrence): EventPlan {
    const identity = identify(occurrence)
    const known = this.#written.get(identity)
    const fresh = this.#newEvent(occurrence)
    const repeats = known !== undefined && occurrence.atMs - known.lastMs <= repeatWindowMs
    const event = repeats ? repeated(known.event, fresh.lastTimestamp) : fresh
    // Taken out and put in again: a Map's first key is then the one longest unused.
    this.#written.delete(identity)
    this.#written.set(identity, { event, lastMs: occurrence.atMs })
    this.#forgetOldest()
    if (!repeats) return { action: 'create', event }
    const patch = { count: event.count, lastTimestamp: event.lastTimestamp }
    return { action: 'patch', ref: refOf(event.metadata), patch, otherwise: event }
  }

  #newEvent({ regarding, type, reason, message, atMs }: Occurrence): WrittenEvent {
    const { namespace, name, uid, resourceVersion } = regarding.metadata
    const at = new Date(atMs).toISOString().replace(/\.\d+Z$/, 'Z')
    // Unique among the events of one object, as in Kubernetes: nanoseconds in hexadecimal, the last digits counted.
    const suffix = (BigInt(Math.trunc(atMs)) * 1_000_000n + BigInt(this.#sequence++ % 1_000_000)).toString(16)
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { namespace: namespace ?? 'default', name: `${name}.${suffix}` },
      involvedObject: {
        apiVersion: regarding.apiVersion,
        kind: regarding.kind,
        name,
        ...(namespace !== undefined && { namespace }),
        ...(uid !== undefined && { uid }),
        ...(resourceVersion !== undefined && { resourceVersion }),
      },
      type,
      reason,
      message: message.slice(0, 1024),
      source: this.#source,
      reportingComponent: this.#source.component,
      reportingInstance: this.#source.host ?? '',
      firstTimestamp: at,
      lastTimestamp: at,
      count: 1,
    }
  }

  #forgetOldest(): void {
    for (const identity of this.#written.keys()) {
      if (this.#written.size <= rememberedEvents) return
      this.#written.delete(identity)
    }
  }
}

function identify({ regarding, type, reason, message }: Occurrence): string {
  return [regarding.kind, keyOf(regarding.metadata), regarding.metadata.uid ?? '', type, reason, message].join('\0')
}

const repeated = (event: WrittenEvent, lastTimestamp: string): WrittenEvent => ({
  ...event,
  count: event.count + 1,
  lastTimestamp,
})

const refOf = ({ namespace, name }: ObjectMeta): ObjectRef => ({ name, ...(namespace !== undefined && { namespace }) })
