/** A write on its way to the store, as admission and allocation see it. */
import type { Kind } from '#api/kind.ts'
import type { KubeObject } from '#api/meta.ts'
import type { UserInfo } from '#api/wire.ts'
import type { Clock } from '#lib/clock.ts'
import type { ObjectStore } from '../objects/open-object-store.ts'

export interface Write {
  readonly kind: Kind
  readonly operation: 'create' | 'update' | 'delete'
  readonly subresource?: string
  readonly namespace?: string
  readonly name: string
  /** The new state; may be changed until it is stored. For deletes, the object that goes. */
  readonly object: KubeObject
  readonly before?: KubeObject
  readonly user: UserInfo
  readonly dryRun: boolean
  /** Adds a text for a `Warning` header. */
  readonly warn: (text: string) => void
}

/** Decides over a write before it is validated. May change `object`; refuses by throwing StatusError. */
export type Admission = (write: Write) => void | Promise<void>

/** Something taken for an object that is not stored yet. */
export interface Reservation {
  /** The object is stored: what it no longer uses can be released. */
  commit(): void | Promise<void>
  /** The object was not stored: everything is as before. */
  revert(): void | Promise<void>
}

/** Hands out what objects need from a pool of the cluster: cluster IPs, node ports. */
export interface Allocator {
  /** Fills in what follows from the cluster alone, before the kind's rules are checked; takes nothing. */
  complete?(write: Write): void
  /** Writes what was allocated into `write.object`; undefined when it has nothing to do. Dry runs allocate nothing. */
  reserve(write: Write): Promise<Reservation | undefined>
  /** The object is gone. */
  release(kind: Kind, object: KubeObject): Promise<void>
}

export interface WriteDeps {
  readonly objects: ObjectStore
  readonly clock: Clock
  readonly admission: readonly Admission[]
  readonly allocators: readonly Allocator[]
}

export async function admit(deps: WriteDeps, write: Write): Promise<void> {
  for (const decide of deps.admission) await decide(write)
}

export function completeAll(deps: WriteDeps, write: Write): void {
  for (const allocator of deps.allocators) allocator.complete?.(write)
}

/** Takes what every allocator has for the object; on failure nothing stays taken. */
export async function reserveAll(deps: WriteDeps, write: Write): Promise<Reservation | undefined> {
  const taken: Reservation[] = []
  const revert = async () => {
    for (const reservation of taken.toReversed()) await reservation.revert()
  }
  try {
    for (const allocator of deps.allocators) {
      const reservation = await allocator.reserve(write)
      if (reservation) taken.push(reservation)
    }
  } catch (error) {
    await revert()
    throw error
  }
  if (taken.length === 0) return undefined
  return {
    revert,
    commit: async () => {
      for (const reservation of taken) await reservation.commit()
    },
  }
}

export async function releaseAll(deps: WriteDeps, kind: Kind, object: KubeObject): Promise<void> {
  for (const allocator of deps.allocators) await allocator.release(kind, object)
}
