/** One question to one server, over a socket of its own: a new port each time, which makes forged answers hard. */
import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'
import { FrameSplitter, frame } from './frame-splitter.ts'
import type { Upstream } from './parse-resolv-conf.ts'

export interface ExchangeRequest<T> {
  readonly server: Upstream
  readonly protocol: 'udp' | 'tcp'
  readonly packet: Uint8Array
  /** Undefined for a packet that does not answer the question: the wait goes on. */
  readonly accept: (packet: Uint8Array) => T | undefined
  /** Ends the exchange with a rejection. */
  readonly signal: AbortSignal
}

/** Rejects when the server refuses, the network fails or the signal aborts. */
export async function runExchange<T>(request: ExchangeRequest<T>): Promise<T> {
  request.signal.throwIfAborted()
  const answer = Promise.withResolvers<T>()
  const take = (packet: Uint8Array): void => {
    const accepted = request.accept(packet)
    if (accepted !== undefined) answer.resolve(accepted)
  }
  const fail = (error: Error): void => answer.reject(error)
  const close = request.protocol === 'udp' ? openUdp(request, take, fail) : openTcp(request, take, fail)
  const abort = (): void => answer.reject(request.signal.reason)
  request.signal.addEventListener('abort', abort)
  try {
    return await answer.promise
  } finally {
    request.signal.removeEventListener('abort', abort)
    close()
  }
}

type Take = (packet: Uint8Array) => void
type Fail = (error: Error) => void

function openUdp({ server, packet }: ExchangeRequest<unknown>, take: Take, fail: Fail): () => void {
  const isV6 = isIPv6(server.address)
  // the address is one already: no resolver thread has to look at it
  const socket = createSocket({
    type: isV6 ? 'udp6' : 'udp4',
    lookup: (host, _options, done) => done(null, host, isV6 ? 6 : 4),
  })
  socket.on('error', fail).on('message', take)
  // connected: only this server's packets come in, and its refusal is seen
  socket.connect(server.port, server.address, () => socket.send(packet, (error) => error && fail(error)))
  return () => socket.close()
}

function openTcp({ server, packet }: ExchangeRequest<unknown>, take: Take, fail: Fail): () => void {
  const splitter = new FrameSplitter()
  const socket = connect({ host: server.address, port: server.port })
  socket.on('error', fail)
  socket.on('data', (chunk) => splitter.push(chunk).forEach(take))
  socket.on('end', () => fail(new Error('Cannot read an answer: the server closed the connection')))
  socket.write(frame(packet))
  return () => socket.destroy()
}
