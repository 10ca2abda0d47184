/**
 * Throughput of one stream on each way. Every turn has a new connection: what buffers and windows grow to differs from
 * stream to stream, and of one that lasts the whole run it would decide about the ratio. The control, the same way
 * twice, tells how far ratios can be trusted.
 */
import { checked, close, connect } from '#kernel/libc.ts'
import type { BenchNode } from './bench-node.ts'
import { timed, turnsOf } from './take-turns.ts'
import { accept, makeSocket, stream, useReno } from './tcp-calls.ts'

export const streamWays = ['pod', 'pod again', 'ClusterIP', 'pod beside smallest rule', 'smallest rule'] as const
export type StreamWay = (typeof streamWays)[number]

/** One value per round. */
export interface StreamResult {
  readonly gbitPerSecond: readonly number[]
  /** Processor time to move one MiB from one pod to the other. */
  readonly cpuMicrosPerMiB: readonly number[]
}

export interface StreamPath {
  readonly from: BenchNode
  readonly listener: number
  readonly target: Uint8Array
}

/** Until windows and buffers have grown. */
const warmUpMiB = 16

export function streamInTurn(
  { rounds, streamMiB }: { readonly rounds: number; readonly streamMiB: number },
  paths: Readonly<Record<StreamWay, StreamPath>>,
): Record<StreamWay, StreamResult> {
  const noSamples = () => ({ gbitPerSecond: [] as number[], cpuMicrosPerMiB: [] as number[] })
  const samples = Object.fromEntries(streamWays.map((way) => [way, noSamples()])) as Record<
    StreamWay,
    ReturnType<typeof noSamples>
  >
  // The first round warms up.
  for (let round = -1; round < rounds; round++) {
    for (const way of turnsOf(streamWays, Math.max(0, round))) {
      const { seconds, cpuMicros } = moveOnce(paths[way], streamMiB)
      if (round < 0) continue
      samples[way].gbitPerSecond.push((streamMiB * 2 ** 20 * 8) / (seconds * 1e9))
      samples[way].cpuMicrosPerMiB.push(cpuMicros / streamMiB)
    }
  }
  return samples
}

function moveOnce({ from, listener, target }: StreamPath, mebibytes: number): ReturnType<typeof timed> {
  const fd = from.within('client', makeSocket)
  useReno(fd)
  checked('connect', connect(fd, target, target.length))
  const accepted = accept(listener)
  try {
    stream(fd, accepted, warmUpMiB * 2 ** 20)
    return timed(() => stream(fd, accepted, mebibytes * 2 ** 20))
  } finally {
    close(fd)
    close(accepted)
  }
}
