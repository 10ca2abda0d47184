/** Requests that come in HTTP/2, by Node's stream interface (its request interface costs a third more). */
import http2 from 'node:http2'
import type { TLSSocket } from 'node:tls'
import type { Exchange } from './exchange.ts'
import { flattenHeaders, requestOver, splitTarget } from './exchange.ts'

/** Not listening: hand it connections with `emit('connection', tlsSocket)`. */
export function createHttp2(onExchange: (exchange: Exchange) => void, stopping: AbortSignal): http2.Http2Server {
  const server = http2.createServer({
    // One client may hold hundreds of watches on one connection.
    settings: { maxConcurrentStreams: 2_000, initialWindowSize: 1024 * 1024 },
    maxSessionMemory: 512,
  })
  server.on('stream', (stream, headers) => onExchange(exchangeOf(stream, headers, stopping)))
  server.on('sessionError', (_error, session) => session.destroy())
  return server
}

function exchangeOf(
  stream: http2.ServerHttp2Stream,
  headers: http2.IncomingHttpHeaders,
  stopping: AbortSignal,
): Exchange {
  const over = new AbortController()
  const stop = () => over.abort(requestOver)
  stopping.addEventListener('abort', stop, { once: true })
  stream.once('close', () => {
    stopping.removeEventListener('abort', stop)
    over.abort(requestOver)
  })
  stream.on('error', () => over.abort(requestOver))
  return {
    method: headers[':method'] ?? 'GET',
    ...splitTarget(headers[':path'] ?? '/'),
    headers: { ...flattenHeaders(headers), host: headers[':authority'] ?? headers.host ?? '' },
    peer: stream.session?.socket as TLSSocket,
    input: stream,
    hasBody: !stream.endAfterHeaders,
    signal: over.signal,
    get gone() {
      return stream.closed || stream.destroyed
    },
    get responded() {
      return stream.headersSent
    },
    respond: (status, answer) => {
      if (stream.destroyed) return stream
      stream.respond({ ':status': status, ...answer } as http2.OutgoingHttpHeaders)
      // Whoever has the whole answer need not send the rest of the request (RFC 9113, 8.1), which nobody may read.
      if (!stream.endAfterHeaders) stream.once('finish', () => closeUnread(stream))
      return stream
    },
    destroy: () => stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR),
  }
}

function closeUnread(stream: http2.ServerHttp2Stream): void {
  if (!stream.readableEnded) stream.close(http2.constants.NGHTTP2_NO_ERROR)
}
