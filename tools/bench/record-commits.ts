/**
 * Preloaded into the processes of a cluster (recordingEnv in recorded-commits.ts): notes when the store's writes were
 * durable, by the machine's monotonic clock, in the thread that has just made them so. Each becomes a line `MILLISECONDS
 * KEY` of the file that FRONTDESK_BENCH_COMMITS names; later, so that this is not part of what is measured.
 */
import { appendFileSync } from 'node:fs'
import { onCommitted } from '#store/sqlite/committed-channel.ts'

const laterMs = 20
const file = process.env['FRONTDESK_BENCH_COMMITS'] ?? ''
const lines: string[] = []

onCommitted(({ writes }) => {
  const atMs = Number(process.hrtime.bigint()) / 1e6
  if (lines.length === 0) setTimeout(() => appendFileSync(file, lines.splice(0).join('')), laterMs)
  for (const { key } of writes) lines.push(`${atMs} ${key}\n`)
})
