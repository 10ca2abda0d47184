/** What this machine takes for things that frontdesk cannot do without: the scale for the other figures. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { silentLog } from '#observe/log.ts'
import { openSqliteStore } from '#store/sqlite/open-sqlite-store.ts'
import { run } from './bench-cluster.ts'
import { type Summary, summarize } from './statistics.ts'

/** Starting Node with an empty program, from spawn to exit. */
export async function measureBareNode(): Promise<number> {
  const begun = performance.now()
  await run(process.execPath, ['--eval', '0'])
  return performance.now() - begun
}

/** One small write at a time through the durable store: each waits for the disk. */
export async function measureDurableWrite(writes: number): Promise<Summary> {
  const directory = mkdtempSync(path.join(tmpdir(), 'frontdesk-bench-store-'))
  try {
    await using store = await openSqliteStore({ path: path.join(directory, 'state.sqlite'), log: silentLog })
    const times: number[] = []
    for (let write = 0; write < writes; write++) {
      const begun = performance.now()
      await store.put(`/bench/${write}`, '{}', 0)
      times.push(performance.now() - begun)
    }
    return summarize(times)
  } finally {
    rmSync(directory, { recursive: true })
  }
}
