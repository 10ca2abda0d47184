import { type Benchmark, type Line, pairRatios } from '../benchmark.ts'
import { type FirstConnectionResult, measureFirstConnection } from '../measure-first-connection.ts'
import { quantile, single, summarize } from '../statistics.ts'

export const firstConnection: Benchmark = {
  name: 'first-connection',
  title: 'First connection to a new pod',
  method: `
A cluster of five nodes with 10,000 Services of two endpoints, made through the API. Then, again and again, a pod behind
one more Service: from asking the API server, over HTTPS, to write that the pod is ready, to the first connection through the
Service's cluster IP that succeeds, tried from each node's network every half millisecond; one sample for each pod and node.
In between are that request, two durable writes (the pod's status, the EndpointSlice), the controller and the proxies. The
benchmark itself says that the pod is ready, as a kubelet does: who only watches hears of it later than the proxies. The
control is the time from asking for one small write to hearing of it. Before they succeed, attempts are to be refused at once.`,
  run: async ({ runs, isSmall }) => {
    const size = isSmall
      ? { nodes: 2, services: 200, rounds: 2 }
      : { nodes: 5, services: 10_000, rounds: Math.max(4, runs * 5) }
    return linesOf(size.nodes, await measureFirstConnection(size))
  },
}

function linesOf(
  nodes: number,
  { connected, accepted, sliceHeard, writeHeard, silent, fillMs }: FirstConnectionResult,
): Line[] {
  const percentile = (values: readonly number[], share: number) => ({
    ...summarize(values),
    median: quantile(values, share),
  })
  const last = sliceHeard.map((_, round) => Math.max(...connected.slice(round * nodes, (round + 1) * nodes)))
  return [
    { what: 'p50 of all nodes', unit: 'ms', measured: summarize(connected), goal: { atMost: 3 } },
    { what: 'p99 of all nodes', unit: 'ms', measured: percentile(connected, 0.99), goal: { atMost: 15 } },
    { what: 'the last node', unit: 'ms', measured: summarize(last) },
    { what: 'the API server has answered that the pod is ready', unit: 'ms', measured: summarize(accepted) },
    { what: 'a client hears of the EndpointSlice', unit: 'ms', measured: summarize(sliceHeard) },
    { what: 'control: one write until it is heard of', unit: 'ms', measured: summarize(writeHeard) },
    { what: '— ratio of the last node to the control', unit: '×', measured: pairRatios(last, writeHeard) },
    { what: 'attempts that met silence', unit: '', measured: single(silent), goal: { atMost: 0 } },
    { what: 'making the Services and EndpointSlices', unit: 'ms', measured: single(fillMs) },
  ]
}
