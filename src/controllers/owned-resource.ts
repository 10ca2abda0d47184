/**
 * Writes that return only when the informer's cache shows them. A controller that reads the cache and writes through
 * this never repeats its own write, so it needs no book of expectations.
 */
import type { Kind } from '#api/kind.ts'
import type { KubeObject } from '#api/meta.ts'
import type { Client, DeleteQuery, Draft, Informer, ObjectRef, PatchType } from '#client/contract.ts'
import type { Informers } from '#client/create-informers.ts'
import { keyOf, refOf } from './object-key.ts'

/** Longer than any healthy watch lags; then the reconcile fails and is retried on whatever the cache says by then. */
const cacheTimeoutMs = 10_000

export interface OwnedResource<T extends KubeObject> {
  readonly cache: Informer<T>
  create(object: Draft<T>): Promise<T>
  update(object: T): Promise<T>
  updateStatus(object: T): Promise<T>
  patch(ref: ObjectRef, type: PatchType, patch: unknown): Promise<T>
  patchStatus(ref: ObjectRef, type: PatchType, patch: unknown): Promise<T>
  /** Resolves when the object is gone or marked for deletion. */
  delete(object: T, query?: DeleteQuery): Promise<void>
  /** POST to a subresource; resolves when `holds` is true for the cached object, or it is gone. */
  createSubresource(object: T, subresource: string, body: object, holds: (cached: T) => boolean): Promise<void>
}

export function openResource<T extends KubeObject>(
  deps: { readonly client: Client; readonly informers: Pick<Informers, 'of'> },
  kind: Kind<T>,
  signal: AbortSignal,
): OwnedResource<T> {
  const requests = deps.client.of(kind)
  const cache = deps.informers.of(kind)
  const { shows, untilCached } = waitOnCache(cache, signal)
  const created = async (writing: Promise<T>): Promise<T> => {
    const written = await writing
    await shows(written)
    return written
  }
  /** A change that takes the last finalizer away ends the object: it is never seen again, only gone. */
  const changed = async (writing: Promise<T>): Promise<T> => {
    const written = await writing
    await untilCached(written, (cached) => isAtLeast(cached, written))
    return written
  }
  return {
    cache,
    create: (object) => created(requests.create(object)),
    update: (object) => changed(requests.update(object)),
    updateStatus: (object) => changed(requests.updateStatus(object)),
    patch: (ref, type, patch) => changed(requests.patch(ref, type, patch)),
    patchStatus: (ref, type, patch) => changed(requests.patchStatus(ref, type, patch)),
    async delete(object, query = {}) {
      const { uid } = object.metadata
      await requests.delete(refOf(object), { ...query, preconditions: { ...(uid && { uid }), ...query.preconditions } })
      await untilCached(object, (cached) => cached.metadata.deletionTimestamp !== undefined)
    },
    async createSubresource(object, subresource, body, holds) {
      await requests.createSubresource(refOf(object), subresource, body)
      await untilCached(object, holds)
    },
  }
}

function isAtLeast(cached: KubeObject, written: KubeObject): boolean {
  return Number(cached.metadata.resourceVersion) >= Number(written.metadata.resourceVersion)
}

/**
 * Watch events come in the order of revisions, so a cache that has shown any object as new as ours has seen ours.
 * (A relist may break the order, but hands everything over before anyone who waits can run.)
 */
function waitOnCache<T extends KubeObject>(cache: Informer<T>, signal: AbortSignal) {
  const waiting = new Map<string, Set<() => void>>()
  let newest = 0
  cache.onChange(({ before, after }) => {
    newest = Math.max(newest, Number(after?.metadata.resourceVersion ?? 0))
    const object = after ?? before
    if (waiting.size === 0 || !object) return
    for (const check of waiting.get(keyOf(object)) ?? []) check()
  })

  const until = async (key: string, holds: () => boolean): Promise<void> => {
    if (holds()) return
    signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const check = () => holds() && resolve()
    const checks = waiting.get(key) ?? new Set()
    waiting.set(key, checks.add(check))
    const message = `Cannot see the write of ${key}: the cache has not caught up`
    const timer = setTimeout(() => reject(new Error(message)), cacheTimeoutMs)
    const stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    try {
      await promise
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      checks.delete(check)
      if (checks.size === 0) waiting.delete(key)
    }
  }
  return {
    shows: (written: T) => until(keyOf(written), () => newest >= Number(written.metadata.resourceVersion)),
    /** Resolves also when the object is gone, or another one has its name. */
    untilCached: (object: T, holds: (cached: T) => boolean) =>
      until(keyOf(object), () => {
        const cached = cache.get(refOf(object))
        return !cached || cached.metadata.uid !== object.metadata.uid || holds(cached)
      }),
  }
}
