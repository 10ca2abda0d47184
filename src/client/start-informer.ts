/** A list-watch kept as a cache: lists once, then follows the watch; reconnects and relists by itself. */
import { setTimeout as delay } from 'node:timers/promises'
import { StatusError } from '#api/status-error.ts'
import type { Kind } from '#api/kind.ts'
import type { KubeObject } from '#api/meta.ts'
import { silentLog } from '#observe/log.ts'
import type { Log } from '#observe/log.ts'
import type { ChangeHandler, Client, Informer, InformerOptions, ListQuery } from './contract.ts'
import { InformerCache } from './informer-cache.ts'
import type { Change } from './informer-cache.ts'
import { InformerRetries } from './informer-retries.ts'

export interface StartInformerOptions extends InformerOptions {
  readonly log?: Log
  readonly random?: () => number
  /** Waits out a back-off; returns early when the signal aborts. For tests that own time. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>
}

/** A watch that ends sooner than this without an event counts as a failure, or a broken server would be hammered. */
const shortWatchMs = 1_000
const pageSize = 5_000

/** Starts at once. Until the first list succeeds it tries again without end; abort the signal to stop. */
export function startInformer<T extends KubeObject>(
  client: Client,
  kind: Kind<T>,
  options: StartInformerOptions,
  signal: AbortSignal,
): Informer<T> {
  const { transform, log = silentLog, random = Math.random, wait = waitOut, ...selection } = options
  const resource = client.of(kind)
  const cache = new InformerCache<T>()
  const handlers: ChangeHandler<T>[] = []
  const synced = Promise.withResolvers<void>()
  const stop = new AbortController()
  const stopping = AbortSignal.any([signal, stop.signal])
  const shrink = (transform ?? ((object: T) => object)) as (object: T) => T
  const retries = new InformerRetries()

  const publish = (changes: Iterable<Change<T>>): void => {
    for (const change of changes) for (const handler of handlers) callHandler(handler, change)
  }

  const relist = async (): Promise<string> => {
    const items: T[] = []
    let query: ListQuery = { ...selection, limit: pageSize }
    for (;;) {
      const page = await resource.list(query)
      for (const item of page.items) items.push(shrink(item))
      if (!page.metadata.continue) {
        if (stopping.aborted) return ''
        publish(cache.replace(items))
        synced.resolve()
        return page.metadata.resourceVersion ?? ''
      }
      query = { ...query, continue: page.metadata.continue }
    }
  }

  /** Returns when the watch has ended in peace; `position` is where to go on. */
  const follow = async (position: { resourceVersion: string }): Promise<void> => {
    const startedMs = performance.now()
    let seen = false
    const isShort = () => performance.now() - startedMs < shortWatchMs
    const query = {
      ...selection,
      resourceVersion: position.resourceVersion,
      allowWatchBookmarks: true,
      timeoutSeconds: Math.round(300 * (1 + random())),
    }
    try {
      for await (const batch of resource.watch(query, stopping)) {
        if (stopping.aborted) return
        for (const event of batch) {
          position.resourceVersion = event.object.metadata.resourceVersion ?? position.resourceVersion
          if (event.type !== 'BOOKMARK') publish(cache.apply({ type: event.type, object: shrink(event.object) }))
        }
        seen = true
        retries.forget()
      }
    } finally {
      if (!isShort()) retries.forget()
    }
    if (!seen && isShort()) throw new Error('the watch ended at once')
  }

  const run = async (): Promise<void> => {
    const position = { resourceVersion: '' }
    let listNeeded = true
    while (!stopping.aborted) {
      try {
        if (listNeeded) position.resourceVersion = await relist()
        listNeeded = false
        await follow(position)
      } catch (error) {
        if (stopping.aborted) return
        // The server's own words mean that this position is no good; a broken connection says nothing about it.
        listNeeded ||= error instanceof StatusError && error.code !== 429
        const waitMs = retries.afterFailure(error, random())
        if (waitMs === 0) continue
        const { failures } = retries
        log.warn({ kind: kind.kind, failures, error: String(error) }, 'cannot list or watch; trying again')
        await wait(waitMs, stopping)
      }
    }
  }

  // Nobody needs to wait for it: a process that stops early must not fail for a list that never came.
  synced.promise.catch(() => {})
  const running = run().finally(() => synced.reject(new Error(`Cannot sync ${kind.kind}: the informer was stopped`)))
  return {
    synced: synced.promise,
    get: (ref) => cache.get(ref),
    list: (namespace) => cache.list(namespace),
    onChange: (handler) => {
      for (const after of cache.list()) callHandler(handler, { before: undefined, after })
      handlers.push(handler)
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await running
    },
  }
}

async function waitOut(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal, ref: false }).catch(() => {})
}

/** A handler's failure is a bug: it surfaces as an uncaught exception, and the other handlers still get the change. */
function callHandler<T>(handler: ChangeHandler<T>, change: Change<T>): void {
  try {
    handler(change)
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
