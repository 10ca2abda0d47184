/** Answers DNS over TCP: several questions per connection, each answered as soon as it can be (RFC 7766). */
import { createServer, type Socket } from 'node:net'
import type { Log } from '#observe/log.ts'
import type { AnswerPacket } from './answer-packet.ts'
import type { Asker } from './askers.ts'
import { FrameSplitter, frame } from './frame-splitter.ts'

export interface TcpLimits {
  readonly idleMs: number
  readonly maxConnections: number
  /** Questions of one connection under way; more are read when these are answered. */
  readonly maxUnanswered: number
}

const defaultLimits: TcpLimits = { idleMs: 10_000, maxConnections: 1000, maxUnanswered: 64 }

export interface TcpService {
  readonly answer: AnswerPacket
  readonly askers: { byAddress(address: string): Asker }
  readonly log: Log
}

/** Takes over a bound, not yet listening descriptor. Resolves when connections are accepted. */
export async function serveTcp(
  fd: number,
  { answer, askers, log }: TcpService,
  limits: TcpLimits = defaultLimits,
): Promise<AsyncDisposable> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    const asker = askers.byAddress(socket.remoteAddress ?? '')
    serveConnection(socket, (packet) => answer(packet, 'tcp', asker), limits)
  })
  server.maxConnections = limits.maxConnections
  const listening = Promise.withResolvers<void>()
  server.once('error', listening.reject)
  server.listen({ fd }, () => listening.resolve())
  await listening.promise
  server.off('error', listening.reject)
  server.on('error', (error) => log.warn({ err: error }, 'DNS listener'))
  return {
    [Symbol.asyncDispose]: () => {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

type AnswerFrame = (packet: Uint8Array) => ReturnType<AnswerPacket>

function serveConnection(socket: Socket, answer: AnswerFrame, { idleMs, maxUnanswered }: TcpLimits): void {
  const splitter = new FrameSplitter()
  let unanswered = 0
  let isEnding = false

  const steer = (): void => {
    if (unanswered >= maxUnanswered || socket.writableNeedDrain) socket.pause()
    else socket.resume()
    if (isEnding && unanswered === 0) socket.end()
  }
  const reply = (packet: Uint8Array | undefined): void => {
    unanswered--
    if (socket.destroyed) return
    if (packet) socket.write(frame(packet))
    steer()
  }

  socket.setTimeout(idleMs, () => socket.destroy())
  // the asker has gone: nobody is left to be told
  socket.on('error', () => socket.destroy())
  socket.on('drain', steer)
  socket.on('end', () => {
    isEnding = true
    steer()
  })
  socket.on('data', (chunk) => {
    for (const packet of splitter.push(chunk)) {
      unanswered++
      const answered = answer(packet)
      if (answered instanceof Promise) void answered.then(reply)
      else reply(answered)
    }
  })
}
