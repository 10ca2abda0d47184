/** A controller's work queue, whose workers begin when all caches that they read are complete. */
import { setTimeout as delay } from 'node:timers/promises'
import type { KubeObject } from '#api/meta.ts'
import { isConflict } from '#api/status-error.ts'
import type { Informer, Reconcile, WorkQueue } from '#client/contract.ts'
import { startWorkers } from '#client/start-workers.ts'
import type { ControllerDeps } from './contract.ts'

export interface QueueOptions {
  readonly name: string
  readonly reconcile: Reconcile
  readonly caches: readonly Pick<Informer<KubeObject>, 'synced'>[]
  readonly concurrency?: number
}

const backoff = { baseMs: 5, maxMs: 60_000, jitter: 0.2 }
const maxConflicts = 5
const conflictDelayMs = 2

export function startQueue(deps: ControllerDeps, options: QueueOptions, signal: AbortSignal): WorkQueue {
  const { name, reconcile, caches, concurrency = 5 } = options
  let isSynced = false
  const ready = async (stopping: AbortSignal) => {
    const stopped = new Promise<void>((resolve) => stopping.addEventListener('abort', () => resolve(), { once: true }))
    await Promise.race([Promise.all(caches.map((cache) => cache.synced)), stopped])
    isSynced = !stopping.aborted
  }
  const log = deps.log.child({ controller: name })
  return startWorkers(
    {
      name,
      concurrency,
      backoff,
      log,
      reconcile: async (key, stopping) => {
        if (!isSynced) await ready(stopping)
        if (isSynced) await reconcileFresh(() => reconcile(key, stopping), stopping)
      },
    },
    signal,
  )
}

/** A conflict means that the cache was behind: once it has caught up the same key can simply be looked at again. */
async function reconcileFresh(run: () => Promise<void>, stopping: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run()
    } catch (error) {
      if (!isConflict(error) || attempt === maxConflicts) throw error
      await delay(attempt * conflictDelayMs, undefined, { signal: stopping })
    }
  }
}
