/** What a cluster without pods costs while nobody asks it for anything. */
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { readCpuMs, startBenchCluster } from './bench-cluster.ts'

export interface Memory {
  readonly role: string
  readonly rssMiB: number
  /** Shared pages divided by the number of processes that share them. */
  readonly pssMiB: number
  /** Memory that is in no file: heaps and stacks. */
  readonly anonMiB: number
}

export interface Idle {
  readonly memory: readonly Memory[]
  /** Percent of one core, all of frontdesk's processes together. */
  readonly cpuPercent: number
}

/** @param settleSeconds between the start and the first look */
export async function measureIdle({ nodes = 3, settleSeconds = 10, seconds = 30 } = {}): Promise<Idle> {
  await using cluster = await startBenchCluster(nodes)
  const processes = await cluster.processes()
  const cpuMs = () => processes.reduce((sum, { pid }) => sum + readCpuMs(pid), 0)
  await delay(settleSeconds * 1000)
  const [begun, before] = [performance.now(), cpuMs()]
  await delay(seconds * 1000)
  const cpuPercent = ((cpuMs() - before) / (performance.now() - begun)) * 100
  return { memory: processes.map(({ role, pid }) => ({ role, ...readMemory(pid) })), cpuPercent }
}

function readMemory(pid: number): Omit<Memory, 'role'> {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const read = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) / 1024
  return { rssMiB: read('Rss'), pssMiB: read('Pss'), anonMiB: read('Anonymous') }
}
