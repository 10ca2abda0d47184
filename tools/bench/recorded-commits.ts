/** When writes to the store of a cluster were durable: recorded in its writer's thread, not guessed from answers. */
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

const pollMs = 5

/** The environment of a cluster that records into this file. */
export function recordingEnv(file: string): Readonly<Record<string, string>> {
  const options = [process.env['NODE_OPTIONS'], `--import=${import.meta.dirname}/record-commits.ts`]
  return { NODE_OPTIONS: options.filter(Boolean).join(' '), FRONTDESK_BENCH_COMMITS: file }
}

/** @returns when the first write of this key after a moment was durable; waits until it is recorded */
export async function readCommit(file: string, key: string, afterMs: number): Promise<number> {
  for (;;) {
    const recorded = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []
    const times = recorded.filter((line) => line.endsWith(` ${key}`)).map((line) => Number.parseFloat(line))
    const atMs = times.find((ms) => ms >= afterMs)
    if (atMs !== undefined) return atMs
    await delay(pollMs)
  }
}
