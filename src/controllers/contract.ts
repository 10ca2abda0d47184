/** What every controller is made of: what it is given, and what it gives back. */
import type { Client, EventRecorder } from '#client/contract.ts'
import type { Informers } from '#client/create-informers.ts'
import type { Clock } from '#lib/clock.ts'
import type { Log } from '#observe/log.ts'
import type { Metrics } from '#observe/metrics.ts'

export interface ControllerDeps {
  readonly client: Client
  readonly informers: Pick<Informers, 'of'>
  readonly clock: Clock
  readonly log: Log
  readonly recordEvent: EventRecorder
  readonly metrics?: Metrics
}

/** A started controller. */
export interface Controller {
  readonly name: string
  /** Resolves when its queue is empty and nothing runs (delayed keys not counted). */
  idle(): Promise<void>
}
