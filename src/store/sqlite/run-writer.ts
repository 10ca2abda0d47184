/**
 * The Worker that owns the database file. One message is one transaction; a slow disk blocks only this thread.
 * Answers in the order of the messages.
 */
import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import type { Entry } from '../contract.ts'
import { tellCommitted } from './committed-channel.ts'

export interface Write {
  readonly key: string
  /** Absent: the key is removed. */
  readonly value?: string
  readonly revision: number
}

export type ToWriter = { readonly type: 'commit'; readonly writes: readonly Write[] } | { readonly type: 'close' }

export type FromWriter =
  | { readonly type: 'opened'; readonly revision: number; readonly entries: readonly Entry[] }
  | { readonly type: 'committed' }
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'closed' }

const schema = `
  CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, value TEXT NOT NULL, revision INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS counter (id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL);
  INSERT OR IGNORE INTO counter (id, revision) VALUES (1, 1);
`

function openDatabase(path: string) {
  const database = new DatabaseSync(path)
  // EXCLUSIVE: a second control plane on the same file fails at once instead of forking history.
  database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;')
  database.exec(schema)
  const upsert = database.prepare(
    'INSERT INTO entries (key, value, revision) VALUES (?, ?, ?) ' +
      'ON CONFLICT (key) DO UPDATE SET value = excluded.value, revision = excluded.revision',
  )
  const remove = database.prepare('DELETE FROM entries WHERE key = ?')
  const count = database.prepare('UPDATE counter SET revision = ? WHERE id = 1')

  return {
    load(): { revision: number; entries: Entry[] } {
      const counter = database.prepare('SELECT revision FROM counter').get() as { revision: number }
      const rows = database.prepare('SELECT key, value, revision FROM entries').all() as unknown as Entry[]
      return { revision: counter.revision, entries: rows.map(({ key, value, revision }) => ({ key, value, revision })) }
    },
    commit(writes: readonly Write[]): void {
      database.exec('BEGIN IMMEDIATE')
      try {
        for (const { key, value, revision } of writes) {
          if (value === undefined) remove.run(key)
          else upsert.run(key, value, revision)
        }
        count.run(writes.at(-1)!.revision)
        database.exec('COMMIT')
      } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK')
        throw error
      }
    },
    close: () => database.close(),
  }
}

function serve(path: string): void {
  const port = parentPort!
  const answer = (message: FromWriter) => port.postMessage(message)
  const database = openDatabase(path)
  answer({ type: 'opened', ...database.load() })
  port.on('message', (message: ToWriter) => {
    if (message.type === 'close') {
      database.close()
      answer({ type: 'closed' })
      port.close()
      return
    }
    try {
      database.commit(message.writes)
      tellCommitted(message)
      answer({ type: 'committed' })
    } catch (error) {
      answer({ type: 'failed', message: (error as Error).message })
    }
  })
}

serve((workerData as { path: string }).path)
