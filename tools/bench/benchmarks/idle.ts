import type { Benchmark, Line } from '../benchmark.ts'
import { type Idle, measureIdle } from '../measure-idle.ts'
import { summarize } from '../statistics.ts'

export const idle: Benchmark = {
  name: 'idle',
  title: 'Idle cost',
  method: `
Three nodes, no pods, after ten idle seconds. RSS counts pages that several processes share once for each; PSS divides
them; anonymous memory is what is in no file. Processor time is of all the cluster's own processes, over twenty seconds,
in percent of one core.`,
  run: async ({ runs, isSmall }) => {
    const idles: Idle[] = []
    const times = isSmall ? { settleSeconds: 0.5, seconds: 1 } : { settleSeconds: 10, seconds: 20 }
    for (let index = 0; index < Math.ceil(runs / 4); index++) idles.push(await measureIdle(times))
    return linesOf(idles)
  },
}

function linesOf(idles: readonly Idle[]): Line[] {
  const memory = (key: 'rssMiB' | 'pssMiB' | 'anonMiB', role?: string) =>
    summarize(
      idles.map((each) =>
        each.memory.filter((one) => role === undefined || one.role === role).reduce((sum, one) => sum + one[key], 0),
      ),
    )
  return [
    { what: 'memory, all processes, RSS', unit: 'MiB', measured: memory('rssMiB'), goal: { atMost: 180 } },
    { what: 'memory, all processes, PSS', unit: 'MiB', measured: memory('pssMiB') },
    ...idles[0]!.memory.flatMap(({ role }): Line[] => [
      { what: `memory, ${role}, RSS`, unit: 'MiB', measured: memory('rssMiB', role) },
      { what: `memory, ${role}, PSS`, unit: 'MiB', measured: memory('pssMiB', role) },
      { what: `memory, ${role}, anonymous`, unit: 'MiB', measured: memory('anonMiB', role) },
    ]),
    {
      what: 'processor time',
      unit: '%',
      measured: summarize(idles.map(({ cpuPercent }) => cpuPercent)),
      goal: { atMost: 1 },
    },
  ]
}
