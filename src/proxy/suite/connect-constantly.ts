/**
 * A thread that connects again and again, so that packets meet the rules while another thread changes them: a thread
 * that does both never sees the moment between two rules. Started with `ConstantClient` as its data.
 */
import { Worker, isMainThread, workerData } from 'node:worker_threads'
import { checked, close, connect, errnoOf, getsockopt, lastErrno, poll, setns, socket } from '#kernel/libc.ts'
import { CLONE_NEWNET } from '#kernel/namespaces.ts'
import { socketAddress } from '#kernel/socket-address.ts'
import { refusalMs } from './open-exchange.ts'

interface ConstantClient {
  readonly netnsFd: number
  readonly address: string
  readonly port: number
  readonly counts: Int32Array<SharedArrayBuffer>
}

const cell = { stop: 0, answered: 1, refused: 2, silent: 3 } as const
const AF_INET = 2
const SOCK_STREAM = 1
const socketFlags = 0x800 | 0x80000 // non-blocking, close-on-exec
const SOL_SOCKET = 1
const SO_ERROR = 4
const events = { readable: 1, writable: 4 } as const

export interface ConstantClientCounts {
  readonly answered: number
  readonly refused: number
  /** Neither, before TCP tries again. */
  readonly silent: number
}

/** `netnsFd`: the network namespace from which it connects. */
export function connectConstantly(place: Omit<ConstantClient, 'counts'>): {
  counts(): ConstantClientCounts
  stop(): Promise<void>
} {
  const counts = new Int32Array(new SharedArrayBuffer(4 * Object.keys(cell).length))
  const worker = new Worker(new URL(import.meta.url), {
    workerData: { ...place, counts } satisfies ConstantClient,
    trackUnmanagedFds: false,
  })
  const ended = new Promise<void>((resolve, reject) => worker.once('exit', () => resolve()).once('error', reject))
  const read = (name: keyof typeof cell): number => Atomics.load(counts, cell[name])
  return {
    counts: () => ({ answered: read('answered'), refused: read('refused'), silent: read('silent') }),
    stop: () => {
      Atomics.store(counts, cell.stop, 1)
      return ended
    },
  }
}

if (!isMainThread) {
  const { netnsFd, address, port, counts } = workerData as ConstantClient
  checked('enter network namespace', setns(netnsFd, CLONE_NEWNET))
  const target = socketAddress(address, port)
  while (Atomics.load(counts, cell.stop) === 0) Atomics.add(counts, cell[connectOnce(target)], 1)
}

function connectOnce(target: Uint8Array): Exclude<keyof typeof cell, 'stop'> {
  const fd = checked('open socket', socket(AF_INET, SOCK_STREAM | socketFlags, 0))
  try {
    if (connect(fd, target, target.length) < 0 && lastErrno() !== errnoOf.EINPROGRESS) return 'refused'
    if (!waitFor(fd, events.writable, refusalMs)) return 'silent'
    const error = new Uint8Array(4)
    getsockopt(fd, SOL_SOCKET, SO_ERROR, error, [error.length])
    if (error.some((byte) => byte !== 0)) return 'refused'
    // a server that is behind in accepting would be silent, too
    waitFor(fd, events.readable, 5_000)
    return 'answered'
  } finally {
    close(fd)
  }
}

function waitFor(fd: number, event: number, patienceMs: number): boolean {
  const entry = new Uint8Array(8)
  const view = new DataView(entry.buffer)
  view.setInt32(0, fd, true)
  view.setInt16(4, event, true)
  return poll(entry, 1, patienceMs) > 0
}
