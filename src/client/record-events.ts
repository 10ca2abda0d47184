/** Writes Events in the background: callers are never held up, and a failure to write is only logged. */
import { Event } from '#api/event.ts'
import { isNotFound } from '#api/status-error.ts'
import { systemClock } from '#lib/clock.ts'
import type { Clock } from '#lib/clock.ts'
import { silentLog } from '#observe/log.ts'
import type { Log } from '#observe/log.ts'
import type { Client, EventRecorder } from './contract.ts'
import { EventAggregator } from './plan-event.ts'
import type { EventPlan, WrittenEvent } from './plan-event.ts'

export interface RecordEventsOptions {
  readonly client: Client
  /** Shows in the FROM column of `kubectl describe`: `deployment-controller`. */
  readonly component: string
  /** Node name, for components of a node. */
  readonly host?: string
  readonly clock?: Clock
  readonly log?: Log
}

export type RunningEventRecorder = EventRecorder & {
  /** Resolves when everything recorded so far is written or given up. */
  readonly idle: () => Promise<void>
}

/** More than this waiting means that the server does not keep up: the newest are dropped, as nobody may block. */
const maxWaiting = 1_000

export function recordEvents(options: RecordEventsOptions, signal: AbortSignal): RunningEventRecorder {
  const { client, component, host, clock = systemClock, log = silentLog } = options
  const events = client.named(component).of(Event)
  const aggregator = new EventAggregator({ component, ...(host !== undefined && { host }) })
  const waiting: EventPlan[] = []
  let writing: Promise<void> | undefined

  const write = async (plan: EventPlan): Promise<void> => {
    const create = (event: WrittenEvent) => events.create(event)
    if (plan.action === 'create') {
      await create(plan.event)
      return
    }
    try {
      await events.patch(plan.ref, 'merge', plan.patch)
    } catch (error) {
      if (!isNotFound(error)) throw error
      await create(plan.otherwise)
    }
  }

  const writeAll = async (): Promise<void> => {
    for (let plan = waiting.shift(); plan && !signal.aborted; plan = waiting.shift()) {
      try {
        await write(plan)
      } catch (error) {
        const event = plan.action === 'create' ? plan.event : plan.otherwise
        log.warn({ reason: event.reason, about: event.involvedObject, error: String(error) }, 'cannot write an event')
      }
    }
    writing = undefined
  }

  const record: EventRecorder = (regarding, type, reason, message) => {
    if (signal.aborted) return
    if (waiting.length >= maxWaiting) {
      log.warn({ reason, about: regarding.metadata.name }, 'dropped an event: too many are waiting')
      return
    }
    waiting.push(aggregator.plan({ regarding, type, reason, message, atMs: clock.nowMs() }))
    writing ??= writeAll()
  }
  return Object.assign(record, { idle: async () => writing })
}
