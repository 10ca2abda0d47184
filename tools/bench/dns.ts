/**
 * Cluster names at many Services: processor time of the server for an answered question, and latency at half of the load
 * that Unbound takes, against Unbound and Knot with the same names, in turn. All is on 127.0.0.1 and ends with this
 * process. `dnsperf` asks.
 */
import { type ChildProcess, execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { findProgram } from '#kernel/find-program.ts'
import { askAddress, freeUdpPort } from './ask-name.ts'
import { type Contender, contenders, type NamedAddress } from './dns-contenders.ts'
import { makeService } from './make-service.ts'
import { quantile, summarize } from './statistics.ts'

export interface DnsBenchOptions {
  readonly services: number
  readonly rounds: number
  readonly seconds: number
}

export interface DnsBenchResult {
  readonly server: Contender['name']
  /** One value per round. */
  readonly cpuMicrosPerQuery: readonly number[]
  readonly queriesPerSecond: readonly number[]
  /** At half load. */
  readonly p50Ms: readonly number[]
  readonly p99Ms: readonly number[]
  readonly sent: number
  readonly lost: number
  /** Answers other than NOERROR, and sampled ones with another address. */
  readonly wrong: number
  readonly memoryMiB: number
}

const sampledAnswers = 50

/** Throws when dnsperf is not installed; with servers that are not, it goes on without them. */
export async function benchDns({ services, rounds, seconds }: DnsBenchOptions): Promise<DnsBenchResult[]> {
  const dir = mkdtempSync(path.join(tmpdir(), 'frontdesk-bench-dns-'))
  await using stack = new AsyncDisposableStack()
  stack.defer(() => rmSync(dir, { recursive: true }))
  const names = Array.from({ length: services }, (_, index) => nameOf(index))
  const queries = path.join(dir, 'queries')
  writeFileSync(
    queries,
    inScatteredOrder(names)
      .map(({ name }) => `${name} A\n`)
      .join(''),
  )
  const servers: Server[] = []
  for (const contender of contenders()) servers.push(await start(contender, { names, dir, stack }))
  const wrong: number[] = []
  for (const { port } of servers) {
    wrong.push(await countWrong(port, names))
    await dnsperf({ queries, port, seconds: 1 })
  }
  const full = await inTurn(servers, rounds, (server) => measure(server, { queries, seconds }))
  // The first of the contenders is Unbound if it is there.
  const rate = Math.floor(summarize(full[0]!.map((run) => run.rate)).median / 2)
  const half = await inTurn(servers, rounds, (server) => measure(server, { queries, seconds, rate }))
  return servers.map(({ name, child }, index) => {
    const runs = [...full[index]!, ...half[index]!]
    const sum = (of: (run: Run) => number) => runs.reduce((total, run) => total + of(run), 0)
    return {
      server: name,
      cpuMicrosPerQuery: full[index]!.map((run) => run.cpuMicros),
      queriesPerSecond: full[index]!.map((run) => run.rate),
      p50Ms: half[index]!.map((run) => run.p50Ms),
      p99Ms: half[index]!.map((run) => run.p99Ms),
      sent: sum((run) => run.sent),
      lost: sum((run) => run.lost),
      wrong: wrong[index]! + sum((run) => run.wrong),
      memoryMiB: Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024,
    }
  })
}

function nameOf(index: number): NamedAddress {
  const { metadata, spec } = makeService(index, 0).service
  return { name: `${metadata.name}.${metadata.namespace}.svc.cluster.local`, address: spec!.clusterIP! }
}

interface Server {
  readonly name: Contender['name']
  readonly port: number
  readonly child: ChildProcess
}

async function start(
  contender: Contender,
  of: { readonly names: readonly NamedAddress[]; readonly dir: string; readonly stack: AsyncDisposableStack },
): Promise<Server> {
  const dir = path.join(of.dir, contender.name)
  mkdirSync(dir)
  const port = await freeUdpPort()
  const child = contender.start(of.names, { dir, port })
  const exited = once(child, 'exit')
  of.stack.defer(async () => {
    child.kill('SIGTERM')
    await exited
  })
  await askAddress(port, of.names[0]!.name)
  return { name: contender.name, port, child }
}

async function countWrong(port: number, names: readonly NamedAddress[]): Promise<number> {
  let wrong = 0
  for (const { name, address } of inScatteredOrder(names).slice(0, sampledAnswers)) {
    if ((await askAddress(port, name)) !== address) wrong++
  }
  return wrong
}

interface Run {
  readonly cpuMicros: number
  readonly rate: number
  readonly sent: number
  readonly lost: number
  readonly wrong: number
  readonly p50Ms: number
  readonly p99Ms: number
}

interface Load {
  readonly queries: string
  readonly seconds: number
  /** Absent: as much as it takes. */
  readonly rate?: number
}

/** Each server is measured once before any is measured again, so that all meet the same weather. */
async function inTurn(servers: readonly Server[], rounds: number, run: (server: Server) => Promise<Run>) {
  const results: Run[][] = servers.map(() => [])
  for (let round = 0; round < rounds; round++) {
    for (const [index, server] of servers.entries()) results[index]!.push(await run(server))
  }
  return results
}

async function measure({ port, child }: Server, load: Load): Promise<Run> {
  const before = cpuSecondsOf(child.pid!)
  const output = await dnsperf({ ...load, port })
  const cpuSeconds = cpuSecondsOf(child.pid!) - before
  const number = (label: string): number => Number(new RegExp(`${label}:?\\s+([0-9.]+)`).exec(output)?.[1])
  const completed = number('Queries completed')
  // `> NOERROR name A 0.000123`
  const latencies = [...output.matchAll(/^> \S+ \S+ \S+ ([0-9.]+)$/gm)].map((match) => Number(match[1]) * 1000)
  return {
    cpuMicros: (cpuSeconds / completed) * 1e6,
    rate: number('Queries per second'),
    sent: number('Queries sent'),
    lost: number('Queries lost'),
    wrong: completed - number('NOERROR'),
    p50Ms: load.rate === undefined ? NaN : quantile(latencies, 0.5),
    p99Ms: load.rate === undefined ? NaN : quantile(latencies, 0.99),
  }
}

async function dnsperf({ queries, port, seconds, rate }: Load & { readonly port: number }): Promise<string> {
  const limit = rate === undefined ? [] : ['-Q', `${rate}`, '-v']
  const args = ['-s', '127.0.0.1', '-p', `${port}`, '-d', queries, '-l', `${seconds}`, '-c', '8', '-q', '100', ...limit]
  const { stdout } = await promisify(execFile)(findProgram('dnsperf'), args, { maxBuffer: 2 ** 30 })
  return stdout
}

/** User and system time, in the kernel's ticks of 10 ms. */
function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** The same order every time. */
function inScatteredOrder<T>(items: readonly T[]): T[] {
  const result = [...items]
  for (let index = result.length - 1, seed = 1; index > 0; index--) {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
    const other = seed % (index + 1)
    ;[result[index], result[other]] = [result[other]!, result[index]!]
  }
  return result
}
