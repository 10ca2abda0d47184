/** Keeps reading batches of datagrams while there are any, a bounded number per turn of the event loop. */
import { DatagramBatch } from './datagram-batch.ts'
import * as libc from './libc.ts'

const batchesPerTurn = 8

export interface DatagramHandler {
  /** `count` datagrams lie in the batch; answers begun in it are sent when this returns. */
  (batch: DatagramBatch, count: number): void
}

export interface DatagramServer extends Disposable {
  readonly batch: DatagramBatch
  /** Answers that the kernel would not take. */
  readonly lost: number
  /** Ends reading; the socket stays open, and answers begun can still be sent. */
  leave(): void
}

/** Takes over a bound, non-blocking socket. */
export function serveDatagrams(fd: number, handle: DatagramHandler): DatagramServer {
  const batch = new DatagramBatch(fd)
  let lost = 0
  let hasLeft = false
  const poll = libc.pollReadable(fd, () => {
    for (let turn = 0; turn < batchesPerTurn && !hasLeft; turn++) {
      const count = batch.receive()
      if (count === 0) return
      handle(batch, count)
      lost += batch.flush()
      // the queue was emptied: asking once more would be a call for nothing
      if (count < 64) return
    }
  })
  const leave = (): void => {
    if (hasLeft) return
    hasLeft = true
    poll.close()
  }
  return {
    batch,
    get lost() {
      return lost
    },
    leave,
    [Symbol.dispose]: () => {
      leave()
      libc.close(fd)
    },
  }
}
