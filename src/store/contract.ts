/**
 * A versioned key-value store: one counter (the revision) for all keys, optimistic writes, history for watchers.
 * Memory, SQLite and etcd keep this same promise; `conformance.ts` in this room is the suite they all pass.
 */
export interface Entry {
  readonly key: string
  /** JSON text, as given to `put`. */
  readonly value: string
  /** Revision of the last write of this key. */
  readonly revision: number
}

export interface StoreEvent {
  readonly type: 'put' | 'delete'
  readonly key: string
  readonly revision: number
  /** The new value for `put`; absent for `delete`. */
  readonly value?: string
  /** The value before this event; absent when the key did not exist. */
  readonly previous?: string
}

/** One of several writes that are made together. */
export interface Change {
  readonly key: string
  /** Absent: the key is removed. */
  readonly value?: string
  /** As for `put` and `delete`. */
  readonly expected: number
}

export interface ListResult {
  readonly entries: readonly Entry[]
  /** The store's revision at which this list is exact. */
  readonly revision: number
  /** How many entries follow after `limit`. */
  readonly remaining: number
}

export interface ListOptions {
  readonly limit?: number
  /** Only keys strictly after this one. */
  readonly after?: string
  /** Exactly as of this revision; CompactedError when it is older than the history. */
  readonly revision?: number
}

export type Accepted = (revision: number) => void

export interface Store {
  /** Newest committed revision. Starts at 1 for an empty store. */
  currentRevision(): Promise<number>
  get(key: string): Promise<Entry | undefined>
  /** Entries whose key starts with `prefix`, in byte order of keys. */
  list(prefix: string, options?: ListOptions): Promise<ListResult>
  /**
   * Writes if the key's revision is `expected` (0: the key must not exist), and resolves when the write is durable.
   * @param accepted called with the new revision when the write is on its way and only the disk can still refuse it; a
   * store that cannot know this before never calls it
   * @returns the new revision, or 'conflict' when the key is at another revision
   */
  put(key: string, value: string, expected: number, accepted?: Accepted): Promise<number | 'conflict'>
  /** Removes under the same condition; the revision returned is that of the deletion. */
  delete(key: string, expected: number): Promise<number | 'conflict'>
  /**
   * Makes all changes or none, each on a key of its own and under its own condition. A watch has them in one batch.
   * @returns the new revisions, in order, or 'conflict' when any key is at another revision
   */
  commit(changes: readonly Change[]): Promise<readonly number[] | 'conflict'>
  /**
   * Every event with a revision greater than `after` under `prefix`, in order, none twice, in batches as they come.
   * Ends when the signal aborts; throws CompactedError when `after` is older than the history.
   */
  watch(prefix: string, after: number, signal: AbortSignal): AsyncIterable<readonly StoreEvent[]>
  [Symbol.asyncDispose](): Promise<void>
}

/** The asked revision is older than the history that the store still keeps. */
export class CompactedError extends Error {
  readonly oldest: number
  constructor(asked: number, oldest: number) {
    super(`Cannot read revision ${asked}: history begins at ${oldest}`)
    this.name = 'CompactedError'
    this.oldest = oldest
  }
}
