/**
 * `npm run bench`: measures, prints a table, writes docs/benchmarks.md. Options: `--runs N` (default 7), `--only NAME`
 * (start-up, idle, first-connection, proxy; several by commas), `--no-write`.
 */
import { writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { run } from './bench-cluster.ts'
import { measureBareNode, measureDurableWrite } from './measure-control.ts'
import { measureFirstConnection } from './measure-first-connection.ts'
import { type Idle, measureIdle } from './measure-idle.ts'
import { measureStartUp, type StartUp } from './measure-start-up.ts'
import type { ProxySyncResult } from './proxy-sync.ts'
import { renderReport, renderTable, type Row } from './render-report.ts'
import { summarize } from './statistics.ts'

const page = path.resolve(import.meta.dirname, '../../docs/benchmarks.md')

const benchmarks: Readonly<Record<string, (runs: number) => Promise<Row[]>>> = {
  'start-up': benchStartUp,
  idle: benchIdle,
  'first-connection': benchFirstConnection,
  proxy: benchProxy,
}

async function benchStartUp(runs: number): Promise<Row[]> {
  const bare: number[] = []
  const starts: StartUp[] = []
  // The first start fills the page cache and the compile cache.
  await measureStartUp()
  for (let index = 0; index < runs; index++) {
    bare.push(await measureBareNode())
    starts.push(await measureStartUp())
  }
  const of = (key: keyof StartUp) => summarize(starts.map((start) => start[key]))
  return [
    { what: 'Control: start of an empty Node program', unit: 'ms', measured: summarize(bare) },
    { what: 'Control: one durable write', unit: 'ms', measured: await measureDurableWrite(200) },
    { what: 'Start-up: three nodes ready, names resolve', unit: 'ms', measured: of('upMs') },
    { what: 'Start-up: a pod was answered by Service name', unit: 'ms', measured: of('answeredMs'), aim: '600 ms' },
    { what: 'Start-up: processor time', unit: 'ms', measured: of('cpuMs') },
  ]
}

async function benchIdle(runs: number): Promise<Row[]> {
  const idles: Idle[] = []
  for (let index = 0; index < Math.ceil(runs / 3); index++) idles.push(await measureIdle())
  const roles = idles[0]!.memory.map(({ role }) => role)
  const memory = (key: 'rssMiB' | 'pssMiB' | 'anonMiB', role?: string) =>
    summarize(
      idles.map((idle) =>
        idle.memory.filter((one) => role === undefined || one.role === role).reduce((sum, one) => sum + one[key], 0),
      ),
    )
  return [
    { what: 'Idle memory, all processes, RSS', unit: 'MiB', measured: memory('rssMiB'), aim: '180 MiB' },
    { what: 'Idle memory, all processes, PSS', unit: 'MiB', measured: memory('pssMiB') },
    ...roles.flatMap((role): Row[] => [
      { what: `Idle memory, ${role}, RSS`, unit: 'MiB', measured: memory('rssMiB', role) },
      { what: `Idle memory, ${role}, PSS`, unit: 'MiB', measured: memory('pssMiB', role) },
      { what: `Idle memory, ${role}, anonymous`, unit: 'MiB', measured: memory('anonMiB', role) },
    ]),
    { what: 'Idle processor time', unit: '%', measured: summarize(idles.map((idle) => idle.cpuPercent)), aim: '< 1 %' },
  ]
}

async function benchFirstConnection(runs: number): Promise<Row[]> {
  const measured = summarize(await measureFirstConnection({ rounds: runs * 3 }))
  return [{ what: 'Pod ready to first routed connection', unit: 'ms', measured, aim: '3 ms' }]
}

async function benchProxy(runs: number): Promise<Row[]> {
  const rows: Row[] = []
  for (const services of [1_000, 10_000]) {
    const results: ProxySyncResult[] = []
    for (let index = 0; index < Math.ceil(runs / 2); index++) results.push(await syncProxy(services))
    const of = (key: 'fullSyncMs' | 'changeP50Ms') => summarize(results.map((result) => result[key]))
    const what = `Service proxy, ${services} Services with 2 endpoints`
    rows.push({ what: `${what}: all at once`, unit: 'ms', measured: of('fullSyncMs') })
    rows.push({ what: `${what}: one endpoint changes`, unit: 'ms', measured: of('changeP50Ms') })
  }
  return rows
}

/** In a network namespace of its own. */
async function syncProxy(services: number): Promise<ProxySyncResult> {
  const code = `import { benchProxySync } from './tools/bench/proxy-sync.ts'
    console.log(JSON.stringify(await benchProxySync(${services}, 2, 200)))`
  const namespaces = process.getuid?.() === 0 ? '-n' : '-rn'
  const args = [namespaces, process.execPath, '--input-type=module-typescript', '--eval', code]
  return JSON.parse(await run('unshare', args)) as ProxySyncResult
}

function describeSetUp(runs: number): string[] {
  const [cpu] = os.cpus()
  const user = process.getuid?.() === 0 ? 'root' : 'an ordinary user'
  return [
    `${os.availableParallelism()} cores (${cpu?.model ?? 'unknown'}), ${Math.round(os.totalmem() / 2 ** 30)} GiB of memory`,
    `Linux ${os.release()}, Node ${process.versions.node}, as ${user}`,
    `${runs} runs; load average when they began: ${os.loadavg()[0]?.toFixed(2)}`,
  ]
}

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '7' },
    only: { type: 'string' },
    write: { type: 'boolean', default: true },
  },
  allowNegative: true,
})
const runs = Number(values.runs)
const names = values.only?.split(',') ?? Object.keys(benchmarks)
const setUp = describeSetUp(runs)
const rows: Row[] = []
for (const name of names) {
  const bench = benchmarks[name]
  if (!bench) throw new Error(`Cannot measure ${name}: there are ${Object.keys(benchmarks).join(', ')}`)
  console.error(`measuring ${name} …`)
  rows.push(...(await bench(runs)))
}
console.log(renderTable(rows))
if (values.write && names.length === Object.keys(benchmarks).length) writeFileSync(page, renderReport({ setUp, rows }))
