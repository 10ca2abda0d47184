/**
 * The durable store: SQLite in a Worker, everything current also in memory. Writes wait in one queue; whatever has
 * gathered while the disk was busy becomes the next transaction. A write shows up in reads only when it is durable.
 */
import { Worker } from 'node:worker_threads'
import type { Log } from '#observe/log.ts'
import type { Accepted, Change, Store } from '../contract.ts'
import { defaultHistoryLimits, type HistoryLimits, Timeline } from '../timeline.ts'
import type { FromWriter, ToWriter, Write } from './run-writer.ts'

export interface SqliteStoreOptions {
  readonly path: string
  readonly log: Log
  readonly limits?: HistoryLimits
}

interface WaitingWrite extends Write {
  readonly settle: (error?: Error) => void
  readonly accepted?: Accepted
}

export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const worker = new Worker(new URL('./run-writer.ts', import.meta.url), { workerData: { path: options.path } })
  const opened = await firstMessage(worker, options.path)
  const timeline = new Timeline(opened.revision, opened.entries, options.limits ?? defaultHistoryLimits)
  options.log.info({ path: options.path, revision: opened.revision, entries: opened.entries.length }, 'store opened')
  const queue = new CommitQueue(worker, timeline, options.log)

  // Whoever writes a key waits for the write before it, so that a conflict is always with something durable.
  const write = async (change: Change, accepted?: Accepted): Promise<number | 'conflict'> => {
    while (queue.pending(change.key)) await queue.pending(change.key)
    return timeline.allows(change) ? queue.add(change.key, change.value, accepted) : 'conflict'
  }
  const pendingOf = (changes: readonly Change[]) => changes.flatMap(({ key }) => queue.pending(key) ?? [])
  const commit = async (changes: readonly Change[]): Promise<readonly number[] | 'conflict'> => {
    while (pendingOf(changes).length > 0) await Promise.all(pendingOf(changes))
    if (!changes.every((change) => timeline.allows(change))) return 'conflict'
    // Added without an await in between, so one transaction has them all.
    return Promise.all(changes.map(({ key, value }) => queue.add(key, value)))
  }

  return {
    currentRevision: async () => timeline.revision,
    get: async (key) => timeline.get(key),
    list: async (prefix, listOptions) => timeline.list(prefix, listOptions),
    put: (key, value, expected, accepted) => write({ key, value, expected }, accepted),
    delete: (key, expected) => write({ key, expected }),
    commit,
    watch: (prefix, after, signal) => timeline.watch(prefix, after, signal),
    [Symbol.asyncDispose]: async () => {
      await queue.close()
      timeline.close()
    },
  }
}

class CommitQueue {
  readonly #worker: Worker
  readonly #timeline: Timeline
  readonly #pending = new Map<string, Promise<unknown>>()
  #waiting: WaitingWrite[] = []
  #inFlight: WaitingWrite[] = []
  #nextRevision: number
  #flushScheduled = false
  #broken: Error | undefined
  #onIdle: (() => void) | undefined

  constructor(worker: Worker, timeline: Timeline, log: Log) {
    this.#worker = worker
    this.#timeline = timeline
    this.#nextRevision = timeline.revision + 1
    worker.on('message', (message: FromWriter) => this.#answered(message))
    worker.on('error', (error) => {
      log.error({ error: error.message }, 'store writer failed')
      this.#break(new Error('Cannot write to the store: its writer failed', { cause: error }))
    })
    worker.on('exit', () => this.#break(new Error('Cannot write to the store: it is closed')))
  }

  /** Settles when the write of this key that is under way has settled. */
  pending(key: string): Promise<unknown> | undefined {
    return this.#pending.get(key)
  }

  add(key: string, value: string | undefined, accepted?: Accepted): Promise<number> {
    if (this.#broken) return Promise.reject(this.#broken)
    const revision = this.#nextRevision++
    const done = new Promise<number>((resolve, reject) => {
      const settle = (error?: Error) => {
        this.#pending.delete(key)
        if (error) reject(error)
        else resolve(revision)
      }
      this.#waiting.push({
        key,
        revision,
        settle,
        ...(value !== undefined && { value }),
        ...(accepted && { accepted }),
      })
    })
    this.#pending.set(
      key,
      done.catch(() => {}),
    )
    this.#scheduleFlush()
    return done
  }

  /** Commits what waits, then closes the file. */
  async close(): Promise<void> {
    if (this.#waiting.length > 0 || this.#inFlight.length > 0) {
      await new Promise<void>((resolve) => (this.#onIdle = resolve))
    }
    if (this.#broken) return
    this.#broken = new Error('Cannot write to the store: it is closed')
    const closed = new Promise<void>((resolve) => this.#worker.once('exit', () => resolve()))
    this.#worker.postMessage({ type: 'close' } satisfies ToWriter)
    await closed
  }

  /** At once: who waits for one write should not wait for all that this turn of the loop has still to do. */
  #scheduleFlush(): void {
    if (this.#flushScheduled || this.#inFlight.length > 0) return
    this.#flushScheduled = true
    queueMicrotask(() => {
      this.#flushScheduled = false
      this.#flush()
    })
  }

  #flush(): void {
    if (this.#inFlight.length > 0 || this.#waiting.length === 0) return
    this.#inFlight = this.#waiting
    this.#waiting = []
    const writes = this.#inFlight.map(({ key, value, revision }) => ({
      key,
      revision,
      ...(value !== undefined && { value }),
    }))
    this.#worker.postMessage({ type: 'commit', writes } satisfies ToWriter)
    // Now, not before: who hears of them has as many batches as the disk, and works while it does.
    for (const { accepted, revision } of this.#inFlight) accepted?.(revision)
  }

  #answered(message: FromWriter): void {
    const batch = this.#inFlight
    this.#inFlight = []
    if (message.type === 'committed') {
      for (const write of batch) this.#timeline.append(write.key, write.value, write.revision)
      for (const write of batch) write.settle()
    } else if (message.type === 'failed') {
      const error = new Error(`Cannot write to the store: ${message.message}`)
      for (const write of batch) write.settle(error)
    }
    this.#flush()
    if (this.#inFlight.length === 0) this.#onIdle?.()
  }

  #break(error: Error): void {
    this.#broken ??= error
    for (const write of [...this.#inFlight, ...this.#waiting]) write.settle(error)
    this.#inFlight = []
    this.#waiting = []
    this.#onIdle?.()
  }
}

function firstMessage(worker: Worker, path: string): Promise<Extract<FromWriter, { type: 'opened' }>> {
  return new Promise((resolve, reject) => {
    const failed = (error: unknown) =>
      reject(new Error(`Cannot open the store ${path}: ${messageOf(error)}`, { cause: error }))
    worker.once('error', failed)
    worker.once('message', (message: FromWriter) => {
      worker.off('error', failed)
      if (message.type === 'opened') resolve(message)
      else failed(new Error(`unexpected answer ${message.type}`))
    })
  })
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
