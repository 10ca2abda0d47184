import { type Benchmark, type Line, pairRatios, type Scale } from '../benchmark.ts'
import { type ConnectionsResult, type ConnectionsSize, type Way, ways } from '../measure-connections.ts'
import { runAlone } from '../run-alone.ts'
import { single, summarize } from '../statistics.ts'
import type { StreamResult, StreamWay } from '../stream-in-turn.ts'

const names: Readonly<Record<Way, string>> = {
  pod: 'to the pod itself, tracked',
  'pod, untracked': 'to the pod itself, through a node without any rules',
  ClusterIP: 'to one ClusterIP',
  'any ClusterIP': 'to a different ClusterIP each time',
}

export const connections: Benchmark = {
  name: 'connections',
  title: 'Connections through a ClusterIP',
  method: `
One pod connects to another on the same node, whose kernel the proxy has programmed with 10,000 Services of two endpoints. All is
the product's own network: a veth for each pod, the node between them. One thread holds both ends and uses blocking
calls, so neither an event loop nor the scheduler is in the figures: the time is that of \`connect()\`, from SYN to
established. Every connection is accepted and reset. Throughput is one stream, sent and received by that one thread, in
each turn a new one, with Reno instead of the host's congestion control, which would have the last word otherwise. The
ways take turns in short blocks; ratios are made within each round. Two controls: the same way twice, which must give 1;
and a node whose kernel has a single DNAT rule and nothing else, which tells what translation costs at least.`,
  run: async (scale) => {
    const args = [sizeFor(scale)]
    return linesOf(await runAlone({ module: 'measure-connections.ts', name: 'measureConnections', args }))
  },
}

const sizeFor = ({ runs, isSmall }: Scale): ConnectionsSize =>
  isSmall
    ? { services: 300, rounds: 3, connections: 50, streamMiB: 4 }
    : { services: 10_000, rounds: runs * 15, connections: 200, streamMiB: 64 }

function linesOf({ connects, streams }: ConnectionsResult): Line[] {
  const failed = ways.reduce((sum, way) => sum + connects[way].failed, 0)
  const ratio = (what: string, of: 'p50Micros' | 'p99Micros' | 'perSecond', way: Way = 'ClusterIP') =>
    ({ what: `— ratio of ${what}`, unit: '×', measured: pairRatios(connects[way][of], connects.pod[of]) }) as const
  return [
    ...ways.map((way): Line => {
      const { p50Micros, cpuMicros } = connects[way]
      const cpuPerOperation = { value: summarize(cpuMicros).median, unit: 'µs' } as const
      return { what: `connect, p50, ${names[way]}`, unit: 'µs', measured: summarize(p50Micros), cpuPerOperation }
    }),
    { ...ratio('p50, ClusterIP ÷ pod', 'p50Micros'), goal: { atMost: 1.08 } },
    ratio('p50, different ClusterIP each time ÷ pod', 'p50Micros', 'any ClusterIP'),
    ratio('p99, ClusterIP ÷ pod', 'p99Micros'),
    ratio('connections per second, ClusterIP ÷ pod', 'perSecond'),
    ...streamLines(streams),
    { what: 'connections that failed', unit: '', measured: single(failed), goal: { atMost: 0 }, isPromise: true },
  ]
}

function streamLines(streams: ConnectionsResult['streams']): Line[] {
  const ratio = (what: string, over: StreamWay, under: StreamWay, of: keyof StreamResult = 'gbitPerSecond') =>
    ({ what: `— ratio of ${what}`, unit: '×', measured: pairRatios(streams[over][of], streams[under][of]) }) as const
  return [
    ...(['pod', 'ClusterIP'] as const).map((way): Line => {
      const { gbitPerSecond, cpuMicrosPerMiB } = streams[way]
      const cpuPerOperation = { value: summarize(cpuMicrosPerMiB).median, unit: 'µs/MiB' } as const
      return { what: `throughput ${names[way]}`, unit: 'Gbit/s', measured: summarize(gbitPerSecond), cpuPerOperation }
    }),
    { ...ratio('throughput, ClusterIP ÷ pod', 'ClusterIP', 'pod'), goal: { atLeast: 0.96 } },
    ratio('processor time per byte, ClusterIP ÷ pod', 'ClusterIP', 'pod', 'cpuMicrosPerMiB'),
    ratio('throughput, control: pod ÷ pod', 'pod again', 'pod'),
    ratio('throughput, control: smallest possible DNAT rule ÷ pod', 'smallest rule', 'pod beside smallest rule'),
    ratio('throughput to the pod itself, our rules ÷ the smallest', 'pod', 'pod beside smallest rule'),
  ]
}
