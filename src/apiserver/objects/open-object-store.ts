/** The store seen as Kubernetes objects: reads come from the cache, writes go to the store and return when visible. */
import type { Kind } from '#api/kind.ts'
import type { KubeObject } from '#api/meta.ts'
import type { Log } from '#observe/log.ts'
import type { Store } from '#store/contract.ts'
import type { CachedObject, ResourceCache } from '../cache/resource-cache.ts'
import { withRevision } from '../cache/resource-cache.ts'
import { startApiCache } from '../cache/watch-store.ts'
import { listPrefix, resourcePrefix, storageKey } from './storage-keys.ts'

/** Objects given out are shared and never changed; objects given in belong to the store from then on. */
export interface ObjectStore {
  /** Waits until the cache has everything that is committed now; returns that revision. */
  fresh(): Promise<number>
  /** The newest revision that the cache has seen. */
  seen(): number
  reached(revision: number): Promise<void> | void
  get(kind: Kind, namespace: string | undefined, name: string): KubeObject | undefined
  list(kind: Kind, namespace?: string): CachedObject[]
  cacheOf(kind: Kind): ResourceCache
  /** `change` brings objects stored in an older form into today's, in every read; nothing is written for it. */
  upgradeReads(kind: Kind, change: (object: KubeObject) => void): void
  create(kind: Kind, object: KubeObject): Promise<KubeObject | 'conflict'>
  /** Writes if the stored object is still `before`. */
  replace(kind: Kind, before: KubeObject, object: KubeObject): Promise<KubeObject | 'conflict'>
  /** Removes if the stored object is still `before`; returns the last state at the deletion's revision. */
  remove(kind: Kind, before: KubeObject): Promise<KubeObject | 'conflict'>
}

export async function openObjectStore(store: Store, log: Log, signal: AbortSignal): Promise<ObjectStore> {
  const cache = await startApiCache(store, log, signal)

  const put = async (kind: Kind, object: KubeObject, expected: number): Promise<KubeObject | 'conflict'> => {
    const { resourceVersion: _, ...metadata } = object.metadata
    const written = { ...object, metadata }
    const text = JSON.stringify(written)
    const forget = cache.expect(text, written)
    try {
      const key = keyOf(kind, object)
      const revision = await store.put(key, text, expected)
      if (revision === 'conflict') return 'conflict'
      await cache.reached(revision)
      return withRevision(written, revision)
    } finally {
      forget()
    }
  }

  return {
    fresh: async () => {
      const revision = await store.currentRevision()
      await cache.reached(revision)
      return cache.seen
    },
    seen: () => cache.seen,
    reached: (revision) => cache.reached(revision),
    get: (kind, namespace, name) => cache.of(resourcePrefix(kind)).get(storageKey(kind, namespace, name)),
    list: (kind, namespace) => cache.of(resourcePrefix(kind)).list(listPrefix(kind, namespace)),
    cacheOf: (kind) => cache.of(resourcePrefix(kind)),
    upgradeReads: (kind, change) => cache.upgrade(resourcePrefix(kind), change),
    create: (kind, object) => put(kind, object, 0),
    replace: (kind, before, object) => put(kind, object, revisionOf(before)),
    remove: async (kind, before) => {
      const revision = await store.delete(keyOf(kind, before), revisionOf(before))
      if (revision === 'conflict') return 'conflict'
      await cache.reached(revision)
      return withRevision(before, revision)
    },
  }
}

function keyOf(kind: Kind, object: KubeObject): string {
  return storageKey(kind, object.metadata.namespace, object.metadata.name)
}

export function revisionOf(object: KubeObject): number {
  return Number(object.metadata.resourceVersion)
}
