/** Requests that come in HTTP/1.1, and upgrades to WebSocket and SPDY. */
import http from 'node:http'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { Exchange, TlsPeer } from './exchange.ts'
import { flattenHeaders, requestOver, splitTarget } from './exchange.ts'

export interface Http1Handlers {
  readonly onExchange: (exchange: Exchange) => void
  readonly onUpgrade: (upgrade: Upgrade) => void
}

export interface Upgrade {
  /** For the WebSocket handshake. */
  readonly request: http.IncomingMessage
  readonly socket: Duplex
  readonly peer: TlsPeer
  /** Bytes that came right after the request's head. */
  readonly head: Buffer
  /** Set by the handshake: from then on no HTTP answer can be given. */
  accepted: boolean
}

/** Not listening: hand it connections with `emit('connection', tlsSocket)`. */
export function createHttp1(handlers: Http1Handlers, stopping: AbortSignal): http.Server {
  const server = http.createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
    handlers.onExchange(exchangeOf(request, response, stopping))
  })
  // A watch or a big upload may take longer than any fixed limit; slow readers are dropped where they are written to.
  server.requestTimeout = 0
  server.on('upgrade', (request, socket, head) => {
    handlers.onUpgrade({ request, socket, peer: request.socket as TLSSocket, head, accepted: false })
  })
  server.on('clientError', (_error, socket) => socket.destroy())
  return server
}

function exchangeOf(request: http.IncomingMessage, response: http.ServerResponse, stopping: AbortSignal): Exchange {
  const over = new AbortController()
  const stop = () => over.abort(requestOver)
  stopping.addEventListener('abort', stop, { once: true })
  response.once('close', () => {
    stopping.removeEventListener('abort', stop)
    over.abort(requestOver)
  })
  response.on('error', () => over.abort(requestOver))
  return {
    method: request.method ?? 'GET',
    ...splitTarget(request.url ?? '/'),
    headers: flattenHeaders(request.headers),
    peer: request.socket as TLSSocket,
    input: request,
    hasBody: request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined,
    signal: over.signal,
    get gone() {
      return response.closed || response.destroyed
    },
    get responded() {
      return response.headersSent
    },
    respond: (status, headers) => {
      // What is left of a body nobody wants would otherwise be read as the next request.
      if (!request.complete || stopping.aborted) response.shouldKeepAlive = false
      response.writeHead(status, headers as http.OutgoingHttpHeaders)
      response.flushHeaders()
      return response
    },
    destroy: () => void request.socket.destroy(),
  }
}
