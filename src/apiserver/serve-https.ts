/**
 * The API over TLS: HTTP/2, HTTP/1.1, WebSocket and SPDY on one port, on several listeners at once, one of which may be
 * a socket that was made in another network namespace.
 */
import net from 'node:net'
import tls from 'node:tls'
import type { PodStreams } from '#api/pod-streams.ts'
import type { ApiHandler } from '#api/wire.ts'
import type { Log } from '#observe/log.ts'
import type { Authenticate } from './auth/authenticate.ts'
import type { Authorize } from './authorize-request.ts'
import { answerExchange } from './https/answer-exchange.ts'
import { createHttp1 } from './https/serve-http1.ts'
import { createHttp2 } from './https/serve-http2.ts'
import type { Pki } from './pki/open-pki.ts'
import { openStreaming } from './streaming/open-streaming.ts'

export type ListenAddress = { readonly host: string; readonly port: number } | { readonly fd: number }

export interface ServeHttpsOptions {
  readonly handle: ApiHandler
  readonly authenticate: Authenticate
  /** Asked for streams (exec, log, proxy …), which never reach `handle`; `handle` asks for everything else itself. */
  readonly authorize: Authorize
  readonly pki: Pick<Pki, 'caCertificate' | 'serving'>
  readonly listeners: readonly ListenAddress[]
  readonly podStreams: PodStreams
  readonly log: Log
}

export interface HttpsServer extends AsyncDisposable {
  /** Where it listens, in the order of `listeners`. */
  readonly addresses: readonly { readonly host: string; readonly port: number }[]
}

/** How long requests that are being answered may take when the server stops. */
const drainMs = 3_000

/** Stops when the signal aborts or it is disposed of; disposing resolves when the last connection is closed. */
export async function serveHttps(options: ServeHttpsOptions, signal: AbortSignal): Promise<HttpsServer> {
  const { handle, authenticate, log } = options
  const stopping = new AbortController()
  const streaming = openStreaming(options, stopping.signal)
  const onExchange = (exchange: Parameters<typeof answerExchange>[1]) =>
    void answerExchange({ handle, authenticate, streaming, log }, exchange)
  const http2 = createHttp2(onExchange, stopping.signal)
  const http1 = createHttp1({ onExchange, onUpgrade: (upgrade) => void streaming.upgrade(upgrade) }, stopping.signal)
  const secure = tls.createServer({
    key: options.pki.serving.key,
    cert: options.pki.serving.certificate,
    ca: options.pki.caCertificate,
    requestCert: true,
    // A foreign certificate is answered with 401 instead of a broken handshake; see peer-credentials.ts.
    rejectUnauthorized: false,
    ALPNProtocols: ['h2', 'http/1.1'],
  })
  secure.on('secureConnection', (socket) => {
    ;(socket.alpnProtocol === 'h2' ? http2 : http1).emit('connection', socket)
  })
  secure.on('tlsClientError', (error) => log.debug({ error: error.message }, 'TLS handshake failed'))

  const connections = new Set<net.Socket>()
  const accept = (socket: net.Socket) => {
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
    socket.setNoDelay(true)
    // Without a listener a reset during the handshake would end the process.
    socket.on('error', () => {})
    secure.emit('connection', socket)
  }
  const sessions = new Set<{ close(): void }>()
  http2.on('session', (session) => {
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
  })

  const listeners = await Promise.all(options.listeners.map((address) => listen(address, accept)))

  const close = async (): Promise<void> => {
    stopping.abort()
    for (const listener of listeners) listener.close()
    for (const session of sessions) session.close()
    http1.closeIdleConnections()
    await allClosed(connections, drainMs)
  }
  let closing: Promise<void> | undefined
  const stop = () => (closing ??= close())
  if (signal.aborted) await stop()
  else signal.addEventListener('abort', () => void stop(), { once: true })
  return { addresses: listeners.map(addressOf), [Symbol.asyncDispose]: stop }
}

function listen(address: ListenAddress, accept: (socket: net.Socket) => void): Promise<net.Server> {
  return new Promise((resolve, reject) => {
    const server = net.createServer(accept)
    server.once('error', reject)
    server.listen(address, () => {
      server.off('error', reject)
      resolve(server)
    })
  })
}

function addressOf(server: net.Server): { host: string; port: number } {
  const address = server.address()
  if (typeof address !== 'object' || address === null) return { host: '', port: 0 }
  return { host: address.address, port: address.port }
}

/** Waits for connections to end by themselves, then ends them. */
async function allClosed(connections: ReadonlySet<net.Socket>, withinMs: number): Promise<void> {
  const closed = Promise.all([...connections].map((socket) => new Promise((resolve) => socket.once('close', resolve))))
  const timer = setTimeout(() => {
    for (const socket of connections) socket.destroy()
  }, withinMs)
  await closed
  clearTimeout(timer)
}
