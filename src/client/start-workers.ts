/** A work queue with its workers: one key at a time, duplicates merged, failures tried again with back-off. */
import { backoffMs } from '#lib/backoff.ts'
import type { Backoff } from '#lib/backoff.ts'
import { silentLog } from '#observe/log.ts'
import type { Log } from '#observe/log.ts'
import type { Reconcile, WorkQueue } from './contract.ts'

export interface WorkersOptions {
  /** Shows in the log: `endpointslice`. */
  readonly name: string
  readonly reconcile: Reconcile
  /** How many keys are handled at once; a single key never is. */
  readonly concurrency?: number
  readonly backoff?: Backoff
  readonly log?: Log
  readonly random?: () => number
  /** Calls back later; returns how to cancel. For tests that own time. */
  readonly after?: (delayMs: number, callback: () => void) => () => void
}

const defaultBackoff: Backoff = { baseMs: 5, maxMs: 1_000_000, jitter: 0.2 }

/** Stops when the signal aborts or it is disposed of: nothing new starts, what runs gets an aborted signal. */
export function startWorkers(options: WorkersOptions, signal: AbortSignal): WorkQueue & AsyncDisposable {
  const workers = new Workers(options)
  if (signal.aborted) workers.stop()
  else signal.addEventListener('abort', () => workers.stop(), { once: true })
  return workers
}

class Workers implements WorkQueue, AsyncDisposable {
  readonly #options: Required<WorkersOptions>
  /** In order of arrival. */
  readonly #waiting = new Set<string>()
  readonly #running = new Map<string, Promise<void>>()
  readonly #again = new Set<string>()
  readonly #delayed = new Map<string, { readonly dueMs: number; readonly cancel: () => void }>()
  readonly #failures = new Map<string, number>()
  readonly #stop = new AbortController()
  #idleWaiters: (() => void)[] = []
  #pumpScheduled = false

  constructor(options: WorkersOptions) {
    this.#options = {
      concurrency: 1,
      backoff: defaultBackoff,
      log: silentLog,
      random: Math.random,
      after: unreferencedTimer,
      ...options,
    }
  }

  add(key: string): void {
    if (this.#stop.signal.aborted) return
    if (this.#running.has(key)) {
      this.#again.add(key)
      return
    }
    this.#waiting.add(key)
    this.#schedulePump()
  }

  /** The earlier of two delays for one key counts. */
  addAfter(key: string, delayMs: number): void {
    if (this.#stop.signal.aborted) return
    if (delayMs <= 0) {
      this.add(key)
      return
    }
    const dueMs = performance.now() + delayMs
    const earlier = this.#delayed.get(key)
    if (earlier && earlier.dueMs <= dueMs) return
    earlier?.cancel()
    const cancel = this.#options.after(delayMs, () => {
      this.#delayed.delete(key)
      this.add(key)
    })
    this.#delayed.set(key, { dueMs, cancel })
  }

  idle(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve()
    return new Promise((resolve) => this.#idleWaiters.push(resolve))
  }

  stop(): void {
    this.#stop.abort()
    for (const { cancel } of this.#delayed.values()) cancel()
    this.#delayed.clear()
    this.#waiting.clear()
    this.#again.clear()
    this.#reportIdle()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop()
    await Promise.all(this.#running.values())
  }

  /** Starts in a microtask, so that a whole batch of events is in the cache before the first key is handled. */
  #schedulePump(): void {
    if (this.#pumpScheduled) return
    this.#pumpScheduled = true
    queueMicrotask(() => {
      this.#pumpScheduled = false
      this.#pump()
    })
  }

  #pump(): void {
    for (const key of this.#waiting) {
      if (this.#running.size >= this.#options.concurrency) return
      this.#waiting.delete(key)
      this.#running.set(key, this.#run(key))
    }
  }

  async #run(key: string): Promise<void> {
    const { name, log, reconcile, backoff, random } = this.#options
    try {
      // A reconciler that throws before its first await must not run inside #pump.
      await Promise.resolve().then(() => reconcile(key, this.#stop.signal))
      this.#failures.delete(key)
    } catch (error) {
      if (!this.#stop.signal.aborted) {
        const failures = (this.#failures.get(key) ?? 0) + 1
        this.#failures.set(key, failures)
        log.warn({ queue: name, key, failures, error: errorText(error) }, 'cannot reconcile; trying again')
        this.addAfter(key, backoffMs(backoff, failures, random()))
      }
    }
    this.#running.delete(key)
    if (this.#again.delete(key)) this.#waiting.add(key)
    this.#pump()
    this.#reportIdle()
  }

  #isIdle(): boolean {
    return this.#waiting.size === 0 && this.#running.size === 0
  }

  #reportIdle(): void {
    if (!this.#isIdle()) return
    const waiters = this.#idleWaiters
    this.#idleWaiters = []
    for (const resolve of waiters) resolve()
  }
}

function unreferencedTimer(delayMs: number, callback: () => void): () => void {
  const timer = setTimeout(callback, delayMs)
  timer.unref()
  return () => clearTimeout(timer)
}

/** Expected conflicts need no stack; bugs do. */
function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.name === 'StatusError' ? error.message : (error.stack ?? error.message)
}
