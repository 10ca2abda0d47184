/** Answers DNS over TCP: several questions per connection, each answered as soon as it can be (RFC 7766). */
import { createServer, type Socket } from 'node:net'
import type { Log } from '#observe/log.ts'
import type { AnswerPacket } from './answer-packet.ts'
import type { Asker } from './askers.ts'
import { FrameSplitter, frame } from './frame-splitter.ts'

export interface TcpLimits {
  readonly idleMs: number
  /** For one more, the one that has been silent for longest is closed: nobody can keep others out. */
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
  /** Silent for longest first. */
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const [longestSilent] = sockets
    if (sockets.size >= limits.maxConnections) longestSilent?.destroy()
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', () => {
      sockets.delete(socket)
      sockets.add(socket)
    })
    const asker = askers.byAddress(socket.remoteAddress ?? '')
    serveConnection(socket, (packet) => answer(packet, 'tcp', asker), limits)
  })
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

/** So many questions of a connection are answered in one turn of the event loop: long answers take milliseconds each. */
const answersPerTurn = 8

type AnswerFrame = (packet: Uint8Array) => ReturnType<AnswerPacket>

function serveConnection(socket: Socket, answer: AnswerFrame, { idleMs, maxUnanswered }: TcpLimits): void {
  const splitter = new FrameSplitter()
  /** Read, and not begun to be answered. */
  const waiting: Uint8Array[] = []
  let unanswered = 0
  let isEnding = false
  let isDue = false

  const isReady = (): boolean => unanswered < maxUnanswered && !socket.writableNeedDrain && !socket.destroyed
  const work = (): void => {
    if (isDue) return
    for (let begun = 0; begun < answersPerTurn && waiting.length > 0 && isReady(); begun++) begin(waiting.shift()!)
    if (waiting.length > 0 || !isReady()) socket.pause()
    else socket.resume()
    if (isEnding && waiting.length === 0 && unanswered === 0) socket.end()
    if (waiting.length === 0 || !isReady()) return
    isDue = true
    setImmediate(() => {
      isDue = false
      work()
    })
  }
  const begin = (packet: Uint8Array): void => {
    unanswered++
    const answered = answer(packet)
    if (!(answered instanceof Promise)) return end(answered)
    void answered.then((later) => {
      end(later)
      work()
    })
  }
  const end = (packet: Uint8Array | undefined): void => {
    unanswered--
    if (packet && !socket.destroyed) socket.write(frame(packet))
  }

  socket.setTimeout(idleMs, () => socket.destroy())
  // the asker has gone: nobody is left to be told
  socket.on('error', () => socket.destroy())
  socket.on('drain', work)
  socket.on('end', () => {
    isEnding = true
    work()
  })
  socket.on('data', (chunk) => {
    waiting.push(...splitter.push(chunk))
    work()
  })
}
