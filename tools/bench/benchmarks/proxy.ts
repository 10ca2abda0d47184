import { type Benchmark, type Line, pairRatios } from '../benchmark.ts'
import type { ProxySyncResult } from '../proxy-sync.ts'
import { controlPlaneFlags } from '#cli/control-plane-flags.ts'
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
after another replaced, then one taken away and one added again and again; at last another proxy takes the table over as it
is. p99 is that of 2,000 changes, the first among them; that one, whose code runs for the first time, is also told alone.
Control: after each change a question to the kernel and its answer, which no rule depends on. One process in an empty network namespace, a fresh one for each sample. Memory is that of the whole process at its
highest during the first sync: Node with the program, the API objects as parsed, and what the proxy needs.`,
  run: async ({ runs, isSmall }) => {
    const changes = isSmall ? 20 : 2_000
    const results: ProxySyncResult[][] = []
    for (const { services, endpointsEach, runs: times } of sizesFor(runs, isSmall)) {
      const of: ProxySyncResult[] = []
      for (let run = 0; run < times; run++) of.push(await syncAlone(services, endpointsEach, changes))
      results.push(of)
    }
    const [smallest, , largest] = results
    const ends = [smallest!, largest!] as const
    return [
      ...results.flatMap(linesOf),
      ...memoryOf(largest!),
      flatness('replaced', 'changeP50Ms', ends),
      flatness('going or coming', 'scaleP50Ms', ends),
    ]
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
  runAlone({ module: 'proxy-sync.ts', name: 'benchProxySync', args, nodeOptions: controlPlaneFlags })

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
      what: `${size}: an endpoint is replaced, p50`,
      unit: 'ms',
      measured: of('changeP50Ms'),
      cpuPerOperation: { value: of('changeCpuMs').median, unit: 'ms' },
      ...(isMain && { goal: { atMost: 0.25 } }),
    },
    {
      what: `${size}: an endpoint is replaced, p99`,
      unit: 'ms',
      measured: of('changeP99Ms'),
      ...(isMain && { goal: { atMost: 1 } }),
    },
    { what: `${size}: the first endpoint replaced`, unit: 'ms', measured: of('firstChangeMs') },
    { what: `${size}: control, a question to the kernel, p99`, unit: 'ms', measured: of('roundTripP99Ms') },
    { what: `${size}: an endpoint goes or comes, p50`, unit: 'ms', measured: of('scaleP50Ms') },
    { what: `${size}: an endpoint goes or comes, p99`, unit: 'ms', measured: of('scaleP99Ms') },
    { what: `${size}: taken over by another proxy`, unit: 'ms', measured: of('adoptionMs') },
  ]
}

function memoryOf(results: readonly ProxySyncResult[]): Line[] {
  const of = (key: 'peakMiB' | 'baseMiB' | 'objectsMiB' | 'ownPeakMiB') =>
    summarize(results.map((result) => result[key]))
  const size = `${results[0]!.services} Services`
  const goal = results[0]!.services === 50_000 && { goal: { atMost: 200 } }
  return [
    { what: `${size}: memory of the process at its highest`, unit: 'MiB', measured: of('peakMiB'), ...goal },
    { what: `${size}: of it Node and the program`, unit: 'MiB', measured: of('baseMiB') },
    { what: `${size}: of it the API objects`, unit: 'MiB', measured: of('objectsMiB') },
    { what: `${size}: of it the proxy`, unit: 'MiB', measured: of('ownPeakMiB') },
  ]
}

function flatness(
  what: string,
  key: 'changeP50Ms' | 'scaleP50Ms',
  [smallest, largest]: readonly [readonly ProxySyncResult[], readonly ProxySyncResult[]],
): Line {
  const p50s = (results: readonly ProxySyncResult[]) => results.slice(0, largest.length).map((result) => result[key])
  const names = [largest, smallest].map((results) => `${results[0]!.services} Services`)
  return {
    what: `— ratio of one endpoint ${what}, p50, ${names.join(' ÷ ')}`,
    unit: '×',
    measured: pairRatios(p50s(largest), p50s(smallest)),
    goal: { atMost: 1.3 },
  }
}
