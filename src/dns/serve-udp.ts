/** Answers datagrams on a bound socket that somebody else opened, in whichever network namespace it was made. */
import type { DatagramBatch } from '#kernel/datagram-batch.ts'
import { serveDatagrams } from '#kernel/serve-datagrams.ts'
import type { Log } from '#observe/log.ts'
import { type AnswerMemo, isCurrent, type MemoEntry } from './answer-memo.ts'
import type { AnswerPacket } from './answer-packet.ts'
import type { Asker, Askers } from './askers.ts'
import { headerBytes } from './message.ts'
import { countRcode } from './query-counts.ts'
import type { Zone } from './zone.ts'

export interface UdpService {
  readonly answer: AnswerPacket
  readonly memo: AnswerMemo
  readonly askers: Pick<Askers, 'byKey'>
  readonly zone: Pick<Zone, 'serial'>
  readonly log: Log
  /** Called when datagrams have come in, before they are answered. */
  readonly beforeBatch?: () => void
  /** Told how many datagrams came in at once. */
  readonly onBatch?: (count: number) => void
}

export interface UdpServer extends Disposable {
  /** Reads no more queries; the socket stays open, and what is still to be answered is. */
  leave(): void
}

/** Takes the descriptor over; queries are read from now on. */
export function serveUdp(fd: number, service: UdpService): UdpServer {
  const { answer, memo, askers, zone, log, beforeBatch, onBatch } = service
  let isClosed = false

  const answerOne = (batch: DatagramBatch, index: number): void => {
    const length = batch.lengthOf(index)
    const start = index * batch.slotBytes
    const asker = askers.byKey(batch.ipv4KeyOf(index))
    if (length > headerBytes && !batch.isCut(index)) {
      const entry = memo.get(batch.bytes.toString('latin1', start + 2, start + length))
      if (entry && isFor(entry, asker) && isCurrent(entry)) return answerAgain(batch, index, entry, asker)
    }
    // a copy: the batch is overwritten while an answer is waited for
    const reply = answer(Uint8Array.from(batch.bytes.subarray(start, start + length)), 'udp', asker)
    if (reply instanceof Promise) {
      const peer = batch.peerOf(index)
      void reply.then((later) => {
        if (!later || isClosed) return
        batch.replyLater(peer, later)
        if (batch.flush() > 0) log.debug({}, 'Cannot send a DNS reply')
      })
    } else if (reply) batch.reply(index, reply)
  }

  const answerAgain = (batch: DatagramBatch, index: number, entry: MemoEntry, asker: Asker): void => {
    const { packets, serialAt } = entry
    const packet = packets[entry.turn]!
    if (packets.length > 1) entry.turn = (entry.turn + 1) % packets.length
    const at = batch.reply(index, packet)
    const out = batch.outgoing
    const start = index * batch.slotBytes
    out[at] = batch.bytes[start]!
    out[at + 1] = batch.bytes[start + 1]!
    if (serialAt > 0) out.writeUInt32BE(zone.serial, at + serialAt)
    countRcode(asker.counts, entry.rcode)
    if (entry.isSearched) asker.counts.searched++
  }

  const server = serveDatagrams(fd, (batch, count) => {
    beforeBatch?.()
    for (let index = 0; index < count; index++) answerOne(batch, index)
    onBatch?.(count)
  })
  return {
    leave: () => server.leave(),
    [Symbol.dispose]: () => {
      isClosed = true
      server[Symbol.dispose]()
    },
  }
}

/** An answer that depends on who asks is the right one only for those it was made for. */
function isFor({ namespace, path }: MemoEntry, asker: Asker): boolean {
  if (namespace === undefined) return true
  return (asker.path?.namespace === namespace ? asker.path : undefined) === path
}
