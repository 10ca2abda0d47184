/**
 * Keeps the caches of all resources equal to the store by one watch over everything, so that "the cache has seen
 * revision N" is one number. Objects that this process wrote itself are taken over instead of parsed again.
 */
import type { KubeObject } from '#api/meta.ts'
import type { Log } from '#observe/log.ts'
import type { Store, StoreEvent } from '#store/contract.ts'
import { registryPrefix, resourcePrefixOf } from '../objects/storage-keys.ts'
import { ResourceCache } from './resource-cache.ts'

interface Waiter {
  readonly revision: number
  readonly resolve: () => void
}

export class ApiCache {
  readonly #resources = new Map<string, ResourceCache>()
  readonly #written = new Map<string, KubeObject>()
  readonly #upgrades = new Map<string, (object: KubeObject) => void>()
  #waiters: Waiter[] = []
  /** Every event up to this revision is in the caches. */
  #seen = 0
  #loadedAt = 0

  get seen(): number {
    return this.#seen
  }

  /** @param prefix all keys of one resource: `/registry/apps/deployments/` */
  of(prefix: string): ResourceCache {
    let cache = this.#resources.get(prefix)
    if (!cache) this.#resources.set(prefix, (cache = new ResourceCache(this.#loadedAt)))
    return cache
  }

  /** Tells that `text` is about to be written and means this object, which becomes the cache's own. */
  expect(text: string, object: KubeObject): () => void {
    this.#written.set(text, object)
    return () => {
      if (this.#written.get(text) === object) this.#written.delete(text)
    }
  }

  /** Brings objects of one resource that were stored in an older form into today's, as they are read. */
  upgrade(prefix: string, change: (object: KubeObject) => void): void {
    this.#upgrades.set(prefix, change)
    for (const { object } of this.of(prefix).list(prefix)) change(object)
  }

  /** Resolves when the caches have seen this revision. */
  reached(revision: number): Promise<void> | void {
    if (this.#seen >= revision) return
    return new Promise((resolve) => this.#waiters.push({ revision, resolve }))
  }

  load(entries: readonly { key: string; value: string; revision: number }[], revision: number): void {
    this.#loadedAt = revision
    for (const { key, value, revision: written } of entries) {
      const prefix = resourcePrefixOf(key)
      if (prefix) this.of(prefix).load(key, this.#parse(value, written, prefix))
    }
    this.#advance(revision)
  }

  apply(batch: readonly StoreEvent[]): void {
    const byResource = new Map<string, { key: string; revision: number; after: KubeObject | undefined }[]>()
    for (const { key, revision, value } of batch) {
      const prefix = resourcePrefixOf(key)
      if (!prefix) continue
      const after = value === undefined ? undefined : this.#parse(value, revision, prefix)
      const changes = byResource.get(prefix)
      if (changes) changes.push({ key, revision, after })
      else byResource.set(prefix, [{ key, revision, after }])
    }
    for (const [prefix, changes] of byResource) this.of(prefix).apply(changes)
    const last = batch.at(-1)
    if (last) this.#advance(last.revision)
  }

  #parse(value: string, revision: number, prefix: string): KubeObject {
    const own = this.#written.get(value)
    const object = own ?? (JSON.parse(value) as KubeObject)
    this.#written.delete(value)
    if (!own) this.#upgrades.get(prefix)?.(object)
    object.metadata.resourceVersion = String(revision)
    return object
  }

  #advance(revision: number): void {
    this.#seen = revision
    const ready = this.#waiters.filter((waiter) => waiter.revision <= revision)
    if (ready.length === 0) return
    this.#waiters = this.#waiters.filter((waiter) => waiter.revision > revision)
    for (const waiter of ready) waiter.resolve()
  }
}

/** Loads everything, then follows until the signal aborts. Resolves when the caches are full. */
export async function startApiCache(store: Store, log: Log, signal: AbortSignal): Promise<ApiCache> {
  const cache = new ApiCache()
  const { entries, revision } = await store.list(registryPrefix)
  cache.load(entries, revision)
  void follow(cache, store, revision, signal).catch((error: unknown) => {
    log.error({ error: error instanceof Error ? error.message : String(error) }, 'lost the watch of the store')
  })
  return cache
}

async function follow(cache: ApiCache, store: Store, after: number, signal: AbortSignal): Promise<void> {
  for await (const batch of store.watch(registryPrefix, after, signal)) cache.apply(batch)
}
