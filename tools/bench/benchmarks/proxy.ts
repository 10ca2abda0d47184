import { type Benchmark, type Line, pairRatios } from '../benchmark.ts'
import type { ProxySyncResult } from '../proxy-sync.ts'
import { runAlone } from '../run-alone.ts'
import { summarize } from '../statistics.ts'

interface Size {
  readonly services: number
  readonly endpointsEach: number
  readonly runs: number
}

export const proxy: Benchmark = {
  name: 'proxy',
  title: 'Service proxy',
  method: `
From API objects in memory to the commit in the kernel: all Services at once into an empty kernel, then one endpoint
after another replaced. One process in an empty network namespace, a fresh one for each sample. Memory is that of the whole
process after the changes: Node, the API objects, and what the proxy remembers.`,
  run: async ({ runs, isSmall }) => {
    const changes = isSmall ? 20 : 500
    const results: ProxySyncResult[][] = []
    for (const { services, endpointsEach, runs: times } of sizesFor(runs, isSmall)) {
      const of: ProxySyncResult[] = []
      for (let run = 0; run < times; run++) of.push(await syncAlone(services, endpointsEach, changes))
      results.push(of)
    }
    const [smallest, , largest] = results
    return [...results.flatMap(linesOf), flatness(smallest!, largest!)]
  },
}

const sizesFor = (runs: number, isSmall: boolean): Size[] =>
  isSmall
    ? [100, 300, 1_000].map((services) => ({ services, endpointsEach: 2, runs: 1 }))
    : [
        { services: 100, endpointsEach: 2, runs },
        { services: 10_000, endpointsEach: 2, runs },
        { services: 50_000, endpointsEach: 4, runs: Math.ceil(runs / 2) },
      ]

/** In a network namespace of its own. */
const syncAlone = (...args: readonly [number, number, number]): Promise<ProxySyncResult> =>
  runAlone({ module: 'proxy-sync.ts', name: 'benchProxySync', args })

const fullSyncGoals: Readonly<Record<number, number>> = { 10_000: 150, 50_000: 2_000 }

function linesOf(results: readonly ProxySyncResult[]): Line[] {
  const { services, endpointsEach } = results[0]!
  const of = (key: keyof ProxySyncResult) => summarize(results.map((result) => result[key]))
  const size = `${services} Services × ${endpointsEach} endpoints`
  const goal = fullSyncGoals[services]
  const isMain = services === 10_000
  return [
    {
      what: `${size}: all at once`,
      unit: 'ms',
      measured: of('fullSyncMs'),
      ...(goal !== undefined && { goal: { atMost: goal } }),
      cpuPerOperation: { value: of('fullSyncCpuMs').median, unit: 'ms' },
    },
    {
      what: `${size}: one endpoint changes, p50`,
      unit: 'ms',
      measured: of('changeP50Ms'),
      ...(isMain && { goal: { atMost: 0.25 } }),
    },
    {
      what: `${size}: one endpoint changes, p99`,
      unit: 'ms',
      measured: of('changeP99Ms'),
      ...(isMain && { goal: { atMost: 1 } }),
    },
    {
      what: `${size}: memory of the process, RSS`,
      unit: 'MiB',
      measured: of('rssMiB'),
      ...(services === 50_000 && { goal: { atMost: 200 } }),
    },
  ]
}

function flatness(smallest: readonly ProxySyncResult[], largest: readonly ProxySyncResult[]): Line {
  const p50s = (results: readonly ProxySyncResult[]) => results.map(({ changeP50Ms }) => changeP50Ms)
  const names = [largest, smallest].map((results) => `${results[0]!.services} Services`)
  return {
    what: `— ratio of one change, p50, ${names.join(' ÷ ')}`,
    unit: '×',
    measured: pairRatios(p50s(largest), p50s(smallest)),
    goal: { atMost: 1.3 },
  }
}
