/** What the verbs work with. */
import type { Clock } from '#lib/clock.ts'
import type { Authorize } from './authorize-request.ts'
import type { ObjectStore } from './objects/open-object-store.ts'
import type { WriteDeps } from './write/write.ts'

export interface ServerDeps extends WriteDeps {
  readonly objects: ObjectStore
  readonly clock: Clock
  /** Asked again where a request turns out to do more than its verb says. */
  readonly authorize: Authorize
}
