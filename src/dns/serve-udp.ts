/** Answers datagrams on a bound socket that somebody else opened, in whichever network namespace it was made. */
import { createSocket } from 'node:dgram'
import type { Log } from '#observe/log.ts'
import type { AnswerPacket } from './answer-packet.ts'

const receiveBufferBytes = 4 * 1024 * 1024

/** Takes the descriptor over. Resolves when queries are being read. */
export async function serveUdp(fd: number, answer: AnswerPacket, log: Log): Promise<AsyncDisposable> {
  // replies go to addresses: without this, each one would take a turn through the name lookup's callback
  const socket = createSocket({ type: 'udp4', lookup: (host, _options, done) => done(null, host, 4) })
  const sent = (error: Error | null): void => {
    if (error) log.debug({ err: error }, 'Cannot send a DNS reply')
  }
  socket.on('message', (packet, from) => {
    const reply = answer(packet, 'udp')
    if (reply instanceof Promise) {
      void reply.then((later) => later && !isClosed && socket.send(later, from.port, from.address, sent))
    } else if (reply) socket.send(reply, from.port, from.address, sent)
  })
  let isClosed = false
  const bound = Promise.withResolvers<void>()
  socket.once('error', bound.reject)
  socket.bind({ fd }, () => bound.resolve())
  await bound.promise
  socket.off('error', bound.reject)
  socket.on('error', (error) => log.warn({ err: error }, 'DNS socket'))
  socket.setRecvBufferSize(receiveBufferBytes)
  return {
    [Symbol.asyncDispose]: () => {
      isClosed = true
      return new Promise((resolve) => socket.close(() => resolve()))
    },
  }
}
