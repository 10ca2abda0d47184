import type { Benchmark } from '../benchmark.ts'
import { measureRollouts } from '../rollout.ts'
import { countFailures, demanded, lost, lostByControl, total, controlName } from '../rollout-counts.ts'
import { single } from '../statistics.ts'

export const rollout: Benchmark = {
  name: 'rollout',
  title: 'Requests lost by rolling updates',
  method: `
Rolling updates, scaling, a drained node and killed processes under constant load, in small: the same with 1,000,000 requests
over 50 rollouts is \`npm run bench:rollout\`. The control does the same with pods that stop without waiting for their
routes, and routes that follow them 50 ms late, as elsewhere: it should lose some.`,
  run: async ({ isSmall }) => {
    const size = isSmall ? { rollouts: 4, requests: 8_000, rate: 150 } : { rollouts: 6, requests: 20_000, rate: 200 }
    const tell = (line: string): void => console.error(`  ${line}`)
    const { counts, rollouts, deletion, write } = await measureRollouts({ ...size, nodes: 5, timedDeletions: 5, tell })
    const control = counts[controlName]!
    return [
      { what: 'rollouts', unit: '', measured: single(rollouts) },
      { what: 'requests', unit: '', measured: single(demanded(counts)) },
      { what: 'requests lost', unit: '', measured: single(lost(counts)), goal: { atMost: 0 }, isPromise: true },
      { what: 'control: requests', unit: '', measured: single(total(control) + countFailures(control)) },
      { what: 'control: requests lost', unit: '', measured: single(lostByControl(counts)), goal: { atLeast: 1 } },
      { what: 'deletion of a pod', unit: 'ms', measured: deletion.ordered },
      { what: 'control: deletion of a pod', unit: 'ms', measured: deletion.control },
      { what: 'control: one write to the API', unit: 'ms', measured: write },
    ]
  },
}
