import type { Benchmark } from '../benchmark.ts'
import { measureFirstConnection } from '../measure-first-connection.ts'
import { summarize } from '../statistics.ts'

export const firstConnection: Benchmark = {
  name: 'first-connection',
  title: 'First connection',
  method: `
From the moment at which a watching API client hears that a new pod is ready, to the first connection through the Service's
cluster IP that succeeds, tried each millisecond from every node's network.`,
  run: async ({ runs, isSmall }) => {
    const measured = summarize(await measureFirstConnection({ rounds: isSmall ? 2 : runs * 3 }))
    return [{ what: 'pod ready to first routed connection', unit: 'ms', measured, goal: { atMost: 3 } }]
  },
}
