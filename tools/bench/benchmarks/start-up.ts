import { type Benchmark, pairRatios } from '../benchmark.ts'
import { measureBareNode, measureDurableWrite } from '../measure-control.ts'
import { measureStartUp, type StartUp } from '../measure-start-up.ts'
import { summarize } from '../statistics.ts'

export const startUp: Benchmark = {
  name: 'start-up',
  title: 'Start-up',
  method: `
Wall time from starting the command \`frontdesk up --nodes 3\`. *Nodes ready, names resolve* is its end. Then
\`examples/hello\` (three replicas, a Service) and a pod that asks \`http://hello.default.svc.cluster.local\` are created
together; *a pod was answered* is when the API shows that pod as succeeded. All four pods run Node, so four starts of Node
are in this figure. Nothing is pulled. *CPU* is that of the cluster's own processes, all threads, just after \`up\`.`,
  run: async ({ runs, isSmall }) => {
    const bare: number[] = []
    const starts: StartUp[] = []
    // The first start fills the page cache and the compile cache.
    if (!isSmall) await measureStartUp()
    for (let index = 0; index < runs; index++) {
      bare.push(await measureBareNode())
      starts.push(await measureStartUp())
    }
    const of = (key: keyof StartUp) => starts.map((start) => start[key])
    const cpuPerOperation = { value: summarize(of('cpuMs')).median, unit: 'ms' } as const
    return [
      { what: 'control: start of an empty Node program', unit: 'ms', measured: summarize(bare) },
      { what: 'control: one durable write', unit: 'ms', measured: await measureDurableWrite(200) },
      { what: 'three nodes ready, names resolve', unit: 'ms', measured: summarize(of('upMs')), cpuPerOperation },
      { what: '— ratio to the empty Node program', unit: '×', measured: pairRatios(of('upMs'), bare) },
      {
        what: 'a pod was answered by Service name',
        unit: 'ms',
        measured: summarize(of('answeredMs')),
        goal: { atMost: 600 },
      },
    ]
  },
}
