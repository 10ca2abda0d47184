import { type Benchmark, type Line, pairRatios } from '../benchmark.ts'
import { type FirstConnectionResult, measureFirstConnection } from '../measure-first-connection.ts'
import { quantile, single, type Summary, summarize } from '../statistics.ts'

export const firstConnection: Benchmark = {
  name: 'first-connection',
  title: 'First connection to a new pod',
  method: `
A cluster of five nodes with 10,000 Services of two endpoints, made through the API. Then, again and again, a pod behind
one more Service becomes ready, and the Service's cluster IP is dialled from the network of one node, of each in turn, every
tenth of a millisecond until a connection succeeds; all nodes get the new endpoint each time. The goals are for the time from
when the pod's status is accepted: from the moment that the store has it on disk, recorded by the store's writer. In between are
the controller, a second durable write (the EndpointSlice) and the proxies. Clients have no answer yet at that moment, as the way
to the rules goes first, so the time from asking the API server over HTTPS to write the status is given, too. The benchmark
itself says that the pod is ready, as a kubelet does, and nobody watches but the cluster itself. *Watched*: all nodes dial at
once while a client watches all EndpointSlices; the control is the time from asking for one small write to hearing of it. Before
they succeed, attempts are to be refused at once.`,
  run: async ({ runs, isSmall }) => {
    const size = isSmall
      ? { nodes: 2, services: 200, roundsEach: 2, watchedRounds: 2 }
      : { nodes: 5, services: 10_000, roundsEach: Math.max(4, runs * 5), watchedRounds: Math.max(4, runs * 2) }
    return linesOf(size.nodes, await measureFirstConnection(size))
  },
}

function linesOf(nodes: number, result: FirstConnectionResult): Line[] {
  const { connected, connectedSinceDurable, watched } = result
  const line = (what: string, values: readonly number[]): Line => ({ what, unit: 'ms', measured: summarize(values) })
  const p99 = (what: string, values: readonly number[]): Line => ({ what, unit: 'ms', measured: percentile99(values) })
  const silent = result.silent + watched.silent
  return [
    { ...line('from accepted: p50 of all nodes', connectedSinceDurable), goal: { atMost: 3 } },
    { ...p99('from accepted: p99 of all nodes', connectedSinceDurable), goal: { atMost: 15 } },
    line('from asking: p50 of all nodes', connected),
    p99('from asking: p99 of all nodes', connected),
    line('from asking until accepted', result.durable),
    line('from asking until the API server has answered', result.answered),
    line('watched, from accepted: p50 of all nodes', watched.connectedSinceDurable),
    line('watched, from accepted: the last node', lastOfRounds(watched.connectedSinceDurable, nodes)),
    line('watched, from asking until the client hears of the EndpointSlice', watched.sliceHeard),
    line('control: one write until it is heard of', watched.writeHeard),
    {
      what: '— ratio of the last node, watched, from asking, to the control',
      unit: '×',
      measured: pairRatios(lastOfRounds(watched.connected, nodes), watched.writeHeard),
    },
    { what: 'attempts that met silence', unit: '', measured: single(silent), goal: { atMost: 0 } },
    { what: 'making the Services and EndpointSlices', unit: 'ms', measured: single(result.fillMs) },
  ]
}

const percentile99 = (values: readonly number[]): Summary => ({ ...summarize(values), median: quantile(values, 0.99) })

/** `values` has one for each node of the first round, then of the second, and so on. */
const lastOfRounds = (values: readonly number[], nodes: number): number[] =>
  Array.from({ length: values.length / nodes }, (_, round) =>
    Math.max(...values.slice(round * nodes, (round + 1) * nodes)),
  )
