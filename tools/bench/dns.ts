/**
 * Cluster names at 10,000 Services: CPU of the server's process per answered query, and latency at half of the load that
 * Unbound takes, against Unbound and Knot with the same names on the same machine, in turn. Needs dnsperf and unbound
 * (knot if there): `apt-get install dnsperf unbound knot`. Everything is on 127.0.0.1 and ends with this process.
 */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createSocket } from 'node:dgram'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { makeService } from './proxy-sync.ts'

export interface DnsBenchOptions {
  readonly services: number
  readonly rounds: number
  readonly seconds: number
}

export interface DnsBenchResult {
  readonly server: string
  readonly cpuMicrosPerQuery: number
  /** By round, against Unbound in the same round; the median. */
  readonly cpuRatio: number
  readonly queriesPerSecond: number
  readonly halfLoadP50Ms: number
  readonly halfLoadP99Ms: number
  readonly p99Ratio: number
  readonly sent: number
  readonly lost: number
  readonly memoryMiB: number
}

interface Contender {
  readonly name: string
  readonly port: number
  readonly start: () => ChildProcess
}

/** Undefined when unbound or dnsperf is not installed. */
export async function benchDns({ services, rounds, seconds }: DnsBenchOptions): Promise<DnsBenchResult[] | undefined> {
  if (!isInstalled('dnsperf', '-h') || !isInstalled('unbound', '-V')) return undefined
  const dir = mkdtempSync(path.join(tmpdir(), 'dns-bench-'))
  await using stack = new AsyncDisposableStack()
  stack.defer(() => rmSync(dir, { recursive: true }))
  const names = Array.from({ length: services }, (_, index) => {
    const { metadata, spec } = makeService(index, 0).service
    return { name: `${metadata.name}.${metadata.namespace}.svc.cluster.local`, address: spec.clusterIP! }
  })
  const queries = path.join(dir, 'queries')
  writeFileSync(
    queries,
    shuffled(names)
      .map(({ name }) => `${name} A\n`)
      .join(''),
  )
  const port = await freePort()
  const contenders: Contender[] = [
    unbound(dir, port, names),
    frontdesk(port + 1, services),
    ...(isInstalled('knotd', '-V') ? [knot(dir, port + 2, names)] : []),
  ]
  const running = contenders.map(({ name, port: own, start }) => {
    const child = start()
    const exited = once(child, 'exit')
    stack.defer(async () => {
      child.kill('SIGTERM')
      await exited
    })
    return { name, port: own, child }
  })
  for (const { port: own } of running) await untilAnswers(own, names[0]!.name)
  for (const { port: own } of running) await dnsperf({ queries, port: own, seconds: 1 })
  const full = await inTurn(running, rounds, (server) => measure(server, { queries, seconds }))
  const halfRate = Math.floor(median(full[0]!.map(({ rate }) => rate)) / 2)
  const half = await inTurn(running, rounds, (server) => measure(server, { queries, seconds, rate: halfRate }))
  return running.map(({ name, child }, index) => {
    const runs = full[index]!
    const halves = half[index]!
    const ratio = (of: Run[][], field: 'cpuMicros' | 'p99Ms') =>
      median(of[index]!.map((run, round) => run[field] / of[0]![round]![field]))
    return {
      server: name,
      cpuMicrosPerQuery: median(runs.map(({ cpuMicros }) => cpuMicros)),
      cpuRatio: ratio(full, 'cpuMicros'),
      queriesPerSecond: median(runs.map(({ rate }) => rate)),
      halfLoadP50Ms: median(halves.map(({ p50Ms }) => p50Ms)),
      halfLoadP99Ms: median(halves.map(({ p99Ms }) => p99Ms)),
      p99Ratio: ratio(half, 'p99Ms'),
      sent: sum([...runs, ...halves].map(({ sent }) => sent)),
      lost: sum([...runs, ...halves].map(({ lost }) => lost)),
      memoryMiB: Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024,
    }
  })
}

interface Names {
  readonly name: string
  readonly address: string
}

function frontdesk(port: number, services: number): Contender {
  const script = new URL('./dns-server.ts', import.meta.url).pathname
  const args = [script, '127.0.0.1', `${port}`, `${services}`]
  return {
    name: 'frontdesk',
    port,
    start: () => spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] }),
  }
}

function unbound(dir: string, port: number, names: readonly Names[]): Contender {
  const config = path.join(dir, 'unbound.conf')
  const data = names.map(({ name, address }) => `  local-data: "${name}. 5 IN A ${address}"`)
  const settings = {
    interface: '127.0.0.1',
    port,
    'num-threads': 1,
    'do-daemonize': 'no',
    chroot: '""',
    username: '""',
    pidfile: '""',
    directory: `"${dir}"`,
    'use-syslog': 'no',
    logfile: '"/dev/null"',
    'do-ip6': 'no',
    'so-rcvbuf': '4m',
    'so-sndbuf': '4m',
    'module-config': '"iterator"',
    'local-zone': '"cluster.local." static',
  }
  const lines = Object.entries(settings).map(([key, value]) => `  ${key}: ${value}`)
  writeFileSync(config, `server:\n${[...lines, ...data].join('\n')}\nremote-control:\n  control-enable: no\n`)
  return { name: 'unbound', port, start: () => spawn('unbound', ['-d', '-c', config], { stdio: 'ignore' }) }
}

function knot(dir: string, port: number, names: readonly Names[]): Contender {
  const config = path.join(dir, 'knot.conf')
  const head = '$ORIGIN cluster.local.\n$TTL 5\n@ SOA ns hostmaster 1 7200 1800 86400 5\n@ NS ns\nns A 127.0.0.1\n'
  writeFileSync(
    path.join(dir, 'cluster.local.zone'),
    head + names.map(({ name, address }) => `${name}. A ${address}\n`).join(''),
  )
  writeFileSync(
    config,
    `server:
  rundir: ${dir}
  listen: 127.0.0.1@${port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
database:
  storage: ${dir}
log:
  - target: stderr
    any: error
zone:
  - domain: cluster.local
    storage: ${dir}
    file: cluster.local.zone
`,
  )
  return { name: 'knot', port, start: () => spawn('knotd', ['-c', config], { stdio: 'ignore' }) }
}

interface Run {
  readonly cpuMicros: number
  readonly rate: number
  readonly sent: number
  readonly lost: number
  readonly p50Ms: number
  readonly p99Ms: number
}

interface Load {
  readonly queries: string
  readonly seconds: number
  readonly rate?: number
}

/** Each server is measured once before any is measured again, so that all meet the same weather. */
async function inTurn<S>(servers: readonly S[], rounds: number, run: (server: S) => Promise<Run>): Promise<Run[][]> {
  const results: Run[][] = servers.map(() => [])
  for (let round = 0; round < rounds; round++) {
    for (const [index, server] of servers.entries()) results[index]!.push(await run(server))
  }
  return results
}

async function measure({ port, child }: { port: number; child: ChildProcess }, load: Load): Promise<Run> {
  const before = cpuSecondsOf(child.pid!)
  const output = await dnsperf({ ...load, port })
  const cpuSeconds = cpuSecondsOf(child.pid!) - before
  const number = (label: string): number => Number(new RegExp(`${label}:\\s+([0-9.]+)`).exec(output)?.[1])
  const completed = number('Queries completed')
  // `> NOERROR name A 0.000123`
  const latencies = [...output.matchAll(/^> \S+ \S+ \S+ ([0-9.]+)$/gm)].map((match) => Number(match[1]) * 1000)
  latencies.sort((a, b) => a - b)
  return {
    cpuMicros: (cpuSeconds / completed) * 1e6,
    rate: number('Queries per second'),
    sent: number('Queries sent'),
    lost: number('Queries lost'),
    p50Ms: latencies[Math.floor(latencies.length * 0.5)] ?? NaN,
    p99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? NaN,
  }
}

async function dnsperf({ queries, port, seconds, rate }: Load & { readonly port: number }): Promise<string> {
  const limit = rate === undefined ? [] : ['-Q', `${rate}`, '-v']
  const args = ['-s', '127.0.0.1', '-p', `${port}`, '-d', queries, '-l', `${seconds}`, '-c', '8', '-q', '100', ...limit]
  const { stdout } = await promisify(execFile)('dnsperf', args, { maxBuffer: 2 ** 30 })
  return stdout
}

/** User and system time, in the kernel's ticks of 10 ms. */
function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

async function untilAnswers(port: number, name: string): Promise<void> {
  const labels = name.split('.').map((label) => `${String.fromCharCode(label.length)}${label}`)
  const query = Buffer.from(`\0\x01\x01\0\0\x01\0\0\0\0\0\0${labels.join('')}\0\0\x01\0\x01`, 'latin1')
  const socket = createSocket('udp4')
  // not listening yet: the next question tells
  socket.on('error', () => {})
  const timer = setInterval(() => socket.send(query, port, '127.0.0.1'), 50)
  try {
    await once(socket, 'message', { signal: AbortSignal.timeout(30_000) })
  } finally {
    clearInterval(timer)
    socket.close()
  }
}

async function freePort(): Promise<number> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  return Math.min(port, 65_000)
}

function isInstalled(program: string, flag: string): boolean {
  try {
    execFileSync(program, [flag], { stdio: 'ignore' })
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT'
  }
}

/** The same order every time. */
function shuffled<T>(items: readonly T[]): T[] {
  const result = [...items]
  for (let index = result.length - 1, seed = 1; index > 0; index--) {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
    const other = seed % (index + 1)
    ;[result[index], result[other]] = [result[other]!, result[index]!]
  }
  return result
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!

if (import.meta.main) {
  const results = await benchDns({ services: 10_000, rounds: Number(process.argv[2] ?? 5), seconds: 3 })
  if (!results) throw new Error('Cannot measure: dnsperf and unbound are not installed')
  console.table(
    results.map((result) => ({
      server: result.server,
      'CPU us per query': result.cpuMicrosPerQuery.toFixed(2),
      'ratio to Unbound': result.cpuRatio.toFixed(2),
      'queries/s': result.queriesPerSecond.toFixed(0),
      'half load p50 ms': result.halfLoadP50Ms.toFixed(3),
      'p99 ms': result.halfLoadP99Ms.toFixed(3),
      'p99 ratio': result.p99Ratio.toFixed(2),
      lost: `${result.lost} of ${result.sent}`,
      'memory MiB': result.memoryMiB.toFixed(0),
    })),
  )
}
