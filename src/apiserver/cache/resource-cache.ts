/** Current objects and recent events of one resource, as parsed objects that all readers share and nobody changes. */
import type { KubeObject } from '#api/meta.ts'
import type { EncodedWatchEvent } from '#api/wire.ts'
import { compareKeys, SortedKeys } from '#store/sorted-keys.ts'
import { encodeEvent } from './encode-event.ts'

export interface CacheEvent {
  readonly key: string
  readonly revision: number
  /** State after the event; absent when it was deleted. */
  readonly after?: KubeObject
  readonly before?: KubeObject
  /** As seen by a watcher for whom the object is new, changed, or gone. */
  readonly added: () => EncodedWatchEvent
  readonly modified: () => EncodedWatchEvent
  /** Carries the state before, at the revision of this event. */
  readonly deleted: () => EncodedWatchEvent
}

export interface CachedObject {
  readonly key: string
  readonly object: KubeObject
}

export type CacheListener = (events: readonly CacheEvent[]) => void

const keptEvents = 4096

export class ResourceCache {
  readonly #objects = new Map<string, KubeObject>()
  readonly #keys = new SortedKeys()
  readonly #listeners = new Set<CacheListener>()
  #history: CacheEvent[] = []
  /** Every event with a greater revision is still in the history. */
  #oldest: number

  constructor(oldest: number) {
    this.#oldest = oldest
  }

  get oldest(): number {
    return this.#oldest
  }

  get size(): number {
    return this.#objects.size
  }

  /** Fills the cache before the first event. */
  load(key: string, object: KubeObject): void {
    this.#objects.set(key, object)
    this.#keys.add(key)
  }

  get(key: string): KubeObject | undefined {
    return this.#objects.get(key)
  }

  list(prefix: string, after?: string): CachedObject[] {
    return this.#keys.range(prefix, after).map((key) => ({ key, object: this.#objects.get(key)! }))
  }

  /** The list as it was at an older revision; undefined when that is before the history. */
  listAt(prefix: string, revision: number, after?: string): CachedObject[] | undefined {
    if (revision < this.#oldest) return undefined
    const past = new Map(this.list(prefix, after).map(({ key, object }) => [key, object]))
    for (let index = this.#history.length - 1; index >= 0; index--) {
      const event = this.#history[index]!
      if (event.revision <= revision) break
      if (!event.key.startsWith(prefix) || (after !== undefined && event.key <= after)) continue
      if (event.before) past.set(event.key, event.before)
      else past.delete(event.key)
    }
    return Array.from(past, ([key, object]) => ({ key, object })).sort((a, b) => compareKeys(a.key, b.key))
  }

  /** Events newer than `revision`; undefined when some of them are forgotten. */
  eventsAfter(revision: number): CacheEvent[] | undefined {
    if (revision < this.#oldest) return undefined
    return this.#history.filter((event) => event.revision > revision)
  }

  /** @returns how to stop listening */
  listen(listener: CacheListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Takes over the newest events of this resource, in order. */
  apply(changes: readonly { key: string; revision: number; after: KubeObject | undefined }[]): void {
    const events = changes.map(({ key, revision, after }) => {
      const event = cacheEvent(key, revision, this.#objects.get(key), after)
      if (after) {
        if (!event.before) this.#keys.add(key)
        this.#objects.set(key, after)
      } else {
        this.#objects.delete(key)
        this.#keys.remove(key)
      }
      return event
    })
    this.#remember(events)
    for (const listener of this.#listeners) listener(events)
  }

  #remember(events: readonly CacheEvent[]): void {
    this.#history.push(...events)
    if (this.#history.length < keptEvents * 1.25) return
    const dropped = this.#history.length - keptEvents
    this.#oldest = this.#history[dropped - 1]!.revision
    this.#history = this.#history.slice(dropped)
  }
}

function cacheEvent(
  key: string,
  revision: number,
  before: KubeObject | undefined,
  after: KubeObject | undefined,
): CacheEvent {
  const once = (make: () => EncodedWatchEvent) => {
    let made: EncodedWatchEvent | undefined
    return () => (made ??= make())
  }
  return {
    key,
    revision,
    ...(before && { before }),
    ...(after && { after }),
    added: once(() => encodeEvent('ADDED', after!)),
    modified: once(() => encodeEvent('MODIFIED', after!)),
    deleted: once(() => encodeEvent('DELETED', withRevision(before!, revision))),
  }
}

export function withRevision(object: KubeObject, revision: number): KubeObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } }
}
