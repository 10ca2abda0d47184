import { type Benchmark, type Line, pairRatios } from '../benchmark.ts'
import { benchDns, type DnsBenchResult } from '../dns.ts'
import { absentContenders } from '../dns-contenders.ts'
import { isInstalled } from '../installed.ts'
import { single, summarize } from '../statistics.ts'

export const dns: Benchmark = {
  name: 'dns',
  title: 'Cluster names',
  method: `
The names of 10,000 Services, asked in one scattered order by \`dnsperf\` on 127.0.0.1 (8 sockets, at most 100 questions under
way). Unbound (one thread, the names as local data) and Knot (one worker, the names as a zone) have the same names and are
asked in turn with frontdesk's server; ratios are made within each round. *CPU* is that of the server's process for an
answered question under full load. Half load is the same rate for all: half of what Unbound takes.`,
  run: async ({ runs, isSmall }) => {
    if (!isInstalled('dnsperf')) return [{ what: 'cluster names', notMeasured: 'dnsperf is not installed' }]
    const size = isSmall ? { services: 300, rounds: 1, seconds: 1 } : { services: 10_000, rounds: runs, seconds: 2 }
    const results = await benchDns(size)
    const absent = absentContenders().map(({ name }) => ({ what: name, notMeasured: `${name} is not installed` }))
    return [...results.flatMap(linesOf), ...ratiosOf(results), ...absent]
  },
}

function linesOf(result: DnsBenchResult): Line[] {
  const { server, cpuMicrosPerQuery, queriesPerSecond, p50Ms, p99Ms, lost, wrong, memoryMiB } = result
  const cpuPerOperation = { value: summarize(cpuMicrosPerQuery).median, unit: 'µs' } as const
  return [
    { what: `${server}: answers`, unit: 'per second', measured: summarize(queriesPerSecond), cpuPerOperation },
    { what: `${server}: p50 at half load`, unit: 'ms', measured: summarize(p50Ms) },
    { what: `${server}: p99 at half load`, unit: 'ms', measured: summarize(p99Ms) },
    { what: `${server}: memory`, unit: 'MiB', measured: single(memoryMiB) },
    ...(server === 'frontdesk' ? promises({ lost, wrong }) : []),
  ]
}

const promises = (counts: { readonly lost: number; readonly wrong: number }): Line[] => [
  { what: 'questions lost', unit: '', measured: single(counts.lost), goal: { atMost: 0 }, isPromise: true },
  { what: 'answers wrong', unit: '', measured: single(counts.wrong), goal: { atMost: 0 }, isPromise: true },
]

function ratiosOf(results: readonly DnsBenchResult[]): Line[] {
  const ours = results.find(({ server }) => server === 'frontdesk')!
  return results
    .filter((other) => other !== ours)
    .flatMap((other): Line[] => {
      const goals = other.server === 'Unbound' ? { cpu: { goal: { atMost: 1 } }, p99: { goal: { atMost: 1.5 } } } : {}
      return [
        {
          what: `— ratio of processor time per answer to ${other.server}`,
          unit: '×',
          measured: pairRatios(ours.cpuMicrosPerQuery, other.cpuMicrosPerQuery),
          ...goals.cpu,
        },
        {
          what: `— ratio of p99 at half load to ${other.server}`,
          unit: '×',
          measured: pairRatios(ours.p99Ms, other.p99Ms),
          ...goals.p99,
        },
      ]
    })
}
