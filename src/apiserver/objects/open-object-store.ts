/** The store seen as Kubernetes objects: reads come from the cache, writes go to the store and return when visible. */
import type { Kind } from '#api/kind.ts'
import type { KubeObject } from '#api/meta.ts'
import type { Log } from '#observe/log.ts'
import type { Change, Store } from '#store/contract.ts'
import type { CachedObject, ResourceCache } from '../cache/resource-cache.ts'
import { withRevision } from '../cache/resource-cache.ts'
import { startApiCache } from '../cache/watch-store.ts'
import { listPrefix, resourcePrefix, storageKey } from './storage-keys.ts'

/** One of several writes that are made together: creates without `before`, removes without `after`. */
export interface ObjectChange {
  readonly kind: Kind
  readonly before?: KubeObject
  readonly after?: KubeObject
}

/**
 * @param object without its resourceVersion, which is `revision`
 * @param settled resolves when it is stored and in the cache; rejects when it is not stored
 */
export type UpcomingListener<T extends KubeObject = KubeObject> = (
  object: T,
  revision: number,
  settled: Promise<void>,
) => void

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
  /**
   * Calls back for objects of this kind on their way to the disk, when nothing else can refuse them any more: for who makes
   * something of them that can be undone. Writes of other servers, and several that are made together, are heard of when
   * they are stored, like everything.
   */
  onUpcoming<T extends KubeObject>(kind: Kind<T>, listener: UpcomingListener<T>): void
  /** Makes all changes, to different objects, or none. Answers as each of them would alone, in order. */
  commit(changes: readonly ObjectChange[]): Promise<readonly KubeObject[] | 'conflict'>
}

export async function openObjectStore(store: Store, log: Log, signal: AbortSignal): Promise<ObjectStore> {
  const cache = await startApiCache(store, log, signal)
  const upcomingListeners = new Map<string, UpcomingListener[]>()

  const put = async (kind: Kind, object: KubeObject, expected: number): Promise<KubeObject | 'conflict'> => {
    const written = withoutRevision(object)
    const text = JSON.stringify(written)
    const forget = cache.expect(text, written)
    const upcoming = announce(upcomingListeners.get(resourcePrefix(kind)), written)
    try {
      const key = keyOf(kind, object)
      const revision = await store.put(key, text, expected, upcoming?.accepted)
      if (revision === 'conflict') return 'conflict'
      await cache.reached(revision)
      upcoming?.stored()
      return withRevision(written, revision)
    } catch (error) {
      upcoming?.failed(error)
      throw error
    } finally {
      forget()
    }
  }

  const commit = async (changes: readonly ObjectChange[]): Promise<readonly KubeObject[] | 'conflict'> => {
    const encoded = changes.map(encodeChange)
    const forget = encoded.flatMap(({ written, value }) => (written ? [cache.expect(value, written)] : []))
    try {
      const revisions = await store.commit(encoded)
      if (revisions === 'conflict') return 'conflict'
      await cache.reached(revisions.at(-1)!)
      return encoded.map(({ written }, index) => withRevision(written ?? changes[index]!.before!, revisions[index]!))
    } finally {
      for (const each of forget) each()
    }
  }

  return {
    commit,
    onUpcoming: (kind, listener) => {
      const prefix = resourcePrefix(kind)
      upcomingListeners.set(prefix, [...(upcomingListeners.get(prefix) ?? []), listener as UpcomingListener])
    },
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

/** Nothing to do where nobody listens. */
function announce(listeners: readonly UpcomingListener[] | undefined, object: KubeObject) {
  if (!listeners) return undefined
  const { promise: settled, resolve: stored, reject: failed } = Promise.withResolvers<void>()
  settled.catch(() => {})
  const accepted = (revision: number) => {
    for (const listener of listeners) listener(object, revision, settled)
  }
  return { accepted, stored, failed }
}

type EncodedChange = Change & ({ readonly written: KubeObject; readonly value: string } | { readonly written?: never })

function encodeChange({ kind, before, after }: ObjectChange): EncodedChange {
  const key = keyOf(kind, (after ?? before)!)
  const expected = before ? revisionOf(before) : 0
  if (!after) return { key, expected }
  const written = withoutRevision(after)
  return { key, expected, written, value: JSON.stringify(written) }
}

function withoutRevision(object: KubeObject): KubeObject {
  const { resourceVersion: _, ...metadata } = object.metadata
  return { ...object, metadata }
}

function keyOf(kind: Kind, object: KubeObject): string {
  return storageKey(kind, object.metadata.namespace, object.metadata.name)
}

export function revisionOf(object: KubeObject): number {
  return Number(object.metadata.resourceVersion)
}
