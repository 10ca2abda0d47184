/**
 * What a store keeps in memory: every current entry, the recent events, and who waits for the next ones. Memory and
 * SQLite stores share it; a revision enters here only when it is committed.
 */
import {
  type Change,
  CompactedError,
  type Entry,
  type ListOptions,
  type ListResult,
  type StoreEvent,
} from './contract.ts'
import { compareKeys, SortedKeys } from './sorted-keys.ts'

/** How much history is kept for watches and for lists at older revisions. */
export interface HistoryLimits {
  readonly events: number
  /** Total length of the values held by history. */
  readonly characters: number
}

export const defaultHistoryLimits: HistoryLimits = { events: 10_000, characters: 32 << 20 }

interface PastEvent extends StoreEvent {
  /** Revision of the entry before this event; 0 when the key did not exist. */
  readonly previousRevision: number
}

interface Watcher {
  readonly prefix: string
  pending: StoreEvent[]
  wake: () => void
}

export class Timeline {
  readonly #entries: Map<string, Entry>
  readonly #keys: SortedKeys
  readonly #limits: HistoryLimits
  readonly #watchers = new Set<Watcher>()
  #history: PastEvent[] = []
  #historyCharacters = 0
  #revision: number
  /** Every event with a greater revision is still in the history. */
  #oldest: number
  #closed = false

  constructor(revision = 1, entries: Iterable<Entry> = [], limits = defaultHistoryLimits) {
    this.#entries = new Map(Array.from(entries, (entry) => [entry.key, entry]))
    this.#keys = new SortedKeys(this.#entries.keys())
    this.#limits = limits
    this.#revision = revision
    this.#oldest = revision
  }

  get revision(): number {
    return this.#revision
  }

  get(key: string): Entry | undefined {
    return this.#entries.get(key)
  }

  /** Whether the key is at the revision that the change expects; what is not there cannot be removed. */
  allows({ key, value, expected }: Change): boolean {
    const current = this.#entries.get(key)
    return (current?.revision ?? 0) === expected && (value !== undefined || current !== undefined)
  }

  /** Records a committed write; `value` undefined means deletion. Revisions must rise. */
  append(key: string, value: string | undefined, revision: number): void {
    const before = this.#entries.get(key)
    const event: PastEvent = {
      type: value === undefined ? 'delete' : 'put',
      key,
      revision,
      ...(value !== undefined && { value }),
      ...(before && { previous: before.value }),
      previousRevision: before?.revision ?? 0,
    }
    this.#revision = revision
    if (value === undefined) {
      this.#entries.delete(key)
      this.#keys.remove(key)
    } else {
      this.#entries.set(key, { key, value, revision })
      if (!before) this.#keys.add(key)
    }
    this.#remember(event)
    for (const watcher of this.#watchers) {
      if (!key.startsWith(watcher.prefix)) continue
      watcher.pending.push(event)
      watcher.wake()
    }
  }

  list(prefix: string, options: ListOptions = {}): ListResult {
    const { limit, after, revision = this.#revision } = options
    const all = revision < this.#revision ? this.#listPast(prefix, revision, after) : this.#listCurrent(prefix, after)
    const entries = limit === undefined ? all : all.slice(0, limit)
    return { entries, revision: Math.min(revision, this.#revision), remaining: all.length - entries.length }
  }

  async *watch(prefix: string, after: number, signal: AbortSignal): AsyncGenerator<readonly StoreEvent[]> {
    if (after < this.#oldest) throw new CompactedError(after, this.#oldest)
    const pending = this.#history.filter((event) => event.revision > after && event.key.startsWith(prefix))
    const watcher: Watcher = { prefix, pending, wake: () => {} }
    const wake = () => watcher.wake()
    this.#watchers.add(watcher)
    signal.addEventListener('abort', wake)
    try {
      while (!signal.aborted) {
        const batch = watcher.pending.filter((event) => event.revision > after)
        watcher.pending = []
        if (batch.length > 0) yield batch
        else if (this.#closed) return
        else await new Promise<void>((resolve) => (watcher.wake = resolve))
      }
    } finally {
      this.#watchers.delete(watcher)
      signal.removeEventListener('abort', wake)
    }
  }

  /** Ends all watches. */
  close(): void {
    this.#closed = true
    for (const watcher of this.#watchers) watcher.wake()
  }

  #listCurrent(prefix: string, after: string | undefined): Entry[] {
    return this.#keys.range(prefix, after).map((key) => this.#entries.get(key)!)
  }

  /** Today's entries with every later event undone, newest first. */
  #listPast(prefix: string, revision: number, after: string | undefined): Entry[] {
    if (revision < this.#oldest) throw new CompactedError(revision, this.#oldest)
    const past = new Map(this.#listCurrent(prefix, after).map((entry) => [entry.key, entry]))
    for (let index = this.#history.length - 1; index >= 0; index--) {
      const event = this.#history[index]!
      if (event.revision <= revision) break
      if (!event.key.startsWith(prefix) || (after !== undefined && event.key <= after)) continue
      if (event.previous === undefined) past.delete(event.key)
      else past.set(event.key, { key: event.key, value: event.previous, revision: event.previousRevision })
    }
    return [...past.values()].sort((a, b) => compareKeys(a.key, b.key))
  }

  #remember(event: PastEvent): void {
    this.#history.push(event)
    this.#historyCharacters += event.value?.length ?? 0
    const { events, characters } = this.#limits
    if (this.#history.length <= events * 1.25 && this.#historyCharacters <= characters * 1.25) return
    let drop = 0
    while (this.#history.length - drop > events || this.#historyCharacters > characters) {
      const dropped = this.#history[drop++]
      if (!dropped) break
      this.#historyCharacters -= dropped.value?.length ?? 0
      this.#oldest = dropped.revision
    }
    this.#history = this.#history.slice(drop)
  }
}
