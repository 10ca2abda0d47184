/** When writes to the store of a cluster were durable: recorded in its writer's thread, not guessed from answers. */
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

const pollMs = 5
const patienceMs = 10_000

/** The environment of a cluster that records into this file. */
export function recordingEnv(file: string): Readonly<Record<string, string>> {
  const options = [process.env['NODE_OPTIONS'], `--import=${import.meta.dirname}/record-commits.ts`]
  return { NODE_OPTIONS: options.filter(Boolean).join(' '), FRONTDESK_BENCH_COMMITS: file }
}

/** @returns when the first write of this key after a moment was durable; waits until it is recorded, which is soon */
export async function readCommit(file: string, key: string, afterMs: number): Promise<number> {
  for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += pollMs) {
    const recorded = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []
    const times = recorded.filter((line) => line.endsWith(` ${key}`)).map((line) => Number.parseFloat(line))
    const atMs = times.find((ms) => ms >= afterMs)
    if (atMs !== undefined) return atMs
    await delay(pollMs)
  }
  throw new Error(`Cannot measure: no write of ${key} was recorded in ${file}`)
}
