/** A connection to an API server: HTTP/2 when the server speaks it, otherwise HTTP/1.1. */
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import { isIP } from 'node:net'
import type { Readable } from 'node:stream'
import tls from 'node:tls'
import type { ClusterAccess } from './cluster-access.ts'

export interface RawRequest {
  readonly method: string
  /** Path and query. */
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal: AbortSignal
  readonly isWatch: boolean
}

export interface RawAnswer {
  readonly status: number
  readonly retryAfter: string | undefined
  readonly body: AsyncIterable<Uint8Array>
  /** The whole body; instead of `body`, and much cheaper for small ones. */
  text(): Promise<string>
}

export interface Connection {
  send(request: RawRequest): Promise<RawAnswer>
  /** Whether new requests can be sent. */
  readonly usable: boolean
  close(): void
}

const pingEveryMs = 15_000
const pingTimeoutMs = 10_000
const connectTimeoutMs = 10_000
/** Lists of many megabytes should not wait for window updates. */
const windowBytes = 8 * 1024 * 1024

export async function openConnection(access: ClusterAccess): Promise<Connection> {
  const url = new URL(access.server)
  if (url.protocol === 'http:') return http1Connection(url, (options) => new http.Agent(options))
  const options = tlsOptions(access, url)
  const socket = await connectTls(options)
  if (socket.alpnProtocol === 'h2') return http2Connection(url, socket)
  socket.destroy()
  return http1Connection(url, (limits) => new https.Agent({ ...options, ...limits, ALPNProtocols: ['http/1.1'] }))
}

function tlsOptions(access: ClusterAccess, url: URL): tls.ConnectionOptions {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const servername = access.tlsServerName ?? (isIP(host) ? undefined : host)
  return {
    host,
    port: Number(url.port || 443),
    ALPNProtocols: ['h2', 'http/1.1'],
    rejectUnauthorized: !access.skipTlsVerify,
    ...(servername !== undefined && { servername }),
    ...(access.ca !== undefined && { ca: access.ca }),
    ...(access.clientCertificate !== undefined && { cert: access.clientCertificate }),
    ...(access.clientKey !== undefined && { key: access.clientKey }),
  }
}

function connectTls(options: tls.ConnectionOptions): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect(options).setNoDelay(true)
    const fail = (error: Error) => {
      clearTimeout(timer)
      socket.destroy()
      reject(new Error(`Cannot connect to ${options.host}:${options.port}: ${error.message}`, { cause: error }))
    }
    const timer = setTimeout(() => fail(new Error('no answer in time')), connectTimeoutMs)
    socket.once('error', fail)
    socket.once('secureConnect', () => {
      clearTimeout(timer)
      socket.off('error', fail)
      resolve(socket)
    })
  })
}

function http2Connection(url: URL, socket: tls.TLSSocket): Connection {
  const session = http2.connect(url.origin, {
    createConnection: () => socket,
    settings: { initialWindowSize: windowBytes, enablePush: false },
  })
  session.once('connect', () => session.setLocalWindowSize(windowBytes))
  // Streams report the same failure to their requests; without a listener it would be thrown here too.
  session.on('error', () => {})
  const stopPings = keepAlive(session)
  session.once('close', stopPings)
  return {
    get usable() {
      return !session.closed && !session.destroyed
    },
    send: (request) => sendHttp2(session, request),
    close: () => session.destroy(),
  }
}

/** A peer that vanished without a word (suspended machine, dropped route) is noticed by missing pongs. */
function keepAlive(session: http2.ClientHttp2Session): () => void {
  let pong: NodeJS.Timeout | undefined
  const timer = setInterval(() => {
    if (session.destroyed || pong) return
    pong = setTimeout(() => session.destroy(new Error('the server does not answer pings')), pingTimeoutMs)
    pong.unref()
    session.ping(() => {
      clearTimeout(pong)
      pong = undefined
    })
  }, pingEveryMs)
  timer.unref()
  return () => {
    clearInterval(timer)
    clearTimeout(pong)
  }
}

function sendHttp2(session: http2.ClientHttp2Session, request: RawRequest): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    request.signal.throwIfAborted()
    const headers = { ':method': request.method, ':path': request.target, ...request.headers }
    const stream = session.request(headers, { endStream: request.body === undefined })
    const cancel = () => stream.close(http2.constants.NGHTTP2_CANCEL)
    request.signal.addEventListener('abort', cancel, { once: true })
    let answered = false
    stream.once('close', () => {
      request.signal.removeEventListener('abort', cancel)
      if (answered) return
      reject(request.signal.aborted ? request.signal.reason : new Error('the connection was closed before an answer'))
    })
    stream.on('error', reject)
    stream.once('response', (answer) => {
      answered = true
      resolve({
        status: Number(answer[':status']),
        retryAfter: answer['retry-after'],
        body: stream,
        text: () => readText(stream),
      })
    })
    if (request.body !== undefined) stream.end(request.body)
  })
}

/** Requests take turns on a few sockets; each watch has its own. */
function http1Connection(url: URL, createAgent: (options: http.AgentOptions) => http.Agent | https.Agent): Connection {
  const { request: start } = url.protocol === 'http:' ? http : https
  const requests = createAgent({ keepAlive: true, maxSockets: 8 })
  const watches = createAgent({ keepAlive: true })
  return {
    usable: true,
    close: () => {
      requests.destroy()
      watches.destroy()
    },
    send: ({ target, method, headers, body, signal, isWatch }) =>
      new Promise((resolve, reject) => {
        const agent = isWatch ? watches : requests
        // Node frames the body of a DELETE only when it is told its length.
        const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
        const options = { agent, method, headers: { ...headers, ...length }, signal }
        const outgoing = start(new URL(target, url.origin), options)
        outgoing.on('error', reject)
        outgoing.once('response', (answer) => {
          const retryAfter = answer.headers['retry-after']
          resolve({ status: answer.statusCode ?? 0, retryAfter, body: answer, text: () => readText(answer) })
        })
        outgoing.end(body)
      }),
  }
}

function readText(stream: Readable): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.once('end', () => resolve(Buffer.concat(chunks).toString()))
    stream.once('error', reject)
    stream.once('close', () => {
      if (!stream.readableEnded) reject(new Error('the connection was closed within an answer'))
    })
  })
}
