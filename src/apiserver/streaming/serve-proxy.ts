/** HTTP to a pod or a Service through the API server, also WebSocket and other upgrades. */
import http from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { Duplex } from 'node:stream'
import tls from 'node:tls'
import type { PodStreams } from '#api/pod-streams.ts'
import { StatusError } from '#api/status-error.ts'
import type { Exchange } from '../https/exchange.ts'
import type { Upgrade } from '../https/serve-http1.ts'
import { rewriteLinks, rewriteLocation } from './parse-proxy-target.ts'
import type { ProxyPath } from './parse-proxy-target.ts'
import { PodDuplex } from './pod-duplex.ts'
import { unavailable } from './select-endpoint.ts'
import type { PodPort } from './select-endpoint.ts'

export interface ProxyRoute extends PodPort, ProxyPath {
  readonly scheme: 'http' | 'https'
}

/** They concern one connection only, or are ours to set; credentials are for this server alone. */
const notForwarded = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'host',
  'authorization',
  // Links in pages can only be rewritten when they are not compressed.
  'accept-encoding',
])

export async function proxyExchange(podStreams: PodStreams, route: ProxyRoute, exchange: Exchange): Promise<void> {
  if (route.rest === '' && (exchange.method === 'GET' || exchange.method === 'HEAD')) {
    const query = exchange.query.size > 0 ? `?${exchange.query.toString()}` : ''
    exchange.respond(301, { location: `${route.prefix}/${query}`, 'content-length': '0' }).end()
    return
  }
  const duplex = await connect(podStreams, route)
  const answer = await ask(duplex, route, exchange)
  const headers = answerHeaders(answer, route)
  const isPage = String(answer.headers['content-type'] ?? '').startsWith('text/html')
  if (isPage && exchange.method !== 'HEAD' && answer.headers['content-encoding'] === undefined) {
    const { 'content-length': _old, ...rest } = headers
    const html = rewriteLinks(await readLatin1(answer), route.prefix)
    exchange.respond(answer.statusCode ?? 502, rest).end(Buffer.from(html, 'latin1'))
    return
  }
  await pipeline(answer, exchange.respond(answer.statusCode ?? 502, headers))
}

async function connect(podStreams: PodStreams, route: ProxyRoute): Promise<Duplex> {
  const connection = await podStreams.dial(route, route.port).catch((error: unknown) => {
    if (error instanceof StatusError) throw error
    throw badGateway(route, error)
  })
  const duplex = new PodDuplex(connection)
  // The pod's certificate is its own affair: whoever asked chose the pod by name, and the network is ours.
  return route.scheme === 'https' ? tls.connect({ socket: duplex, rejectUnauthorized: false }) : duplex
}

function ask(duplex: Duplex, route: ProxyRoute, exchange: Exchange): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = http.request({
      createConnection: () => duplex,
      method: exchange.method,
      path: targetOf(route, exchange.query),
      // A server that is told to close would not hear out a request that it has answered, and reset the connection.
      headers: { ...forwardedHeaders(route, exchange.headers), connection: 'keep-alive' },
      signal: exchange.signal,
    })
    request.once('response', (answer) => {
      answer.once('close', () => {
        duplex.destroy()
        // The client has its answer, and still wants to be rid of what it was sending.
        exchange.input.unpipe(request).resume()
      })
      resolve(answer)
    })
    request.on('error', (error) => reject(badGateway(route, error)))
    exchange.input.pipe(request)
  })
}

function targetOf(route: ProxyRoute, query: URLSearchParams): string {
  return `${route.rest || '/'}${query.size > 0 ? `?${query.toString()}` : ''}`
}

function forwardedHeaders(route: ProxyRoute, headers: Readonly<Record<string, string>>): Record<string, string> {
  const kept = Object.entries(headers).filter(([name]) => !notForwarded.has(name) && !name.startsWith('impersonate-'))
  return {
    ...Object.fromEntries(kept),
    host: hostOf(route),
    'x-forwarded-host': headers.host ?? '',
    'x-forwarded-proto': 'https',
    'x-forwarded-uri': route.prefix + route.rest,
  }
}

const hostOf = ({ pod, namespace, port }: PodPort): string => `${pod}.${namespace}:${port}`

function answerHeaders(answer: http.IncomingMessage, route: ProxyRoute): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(answer.headers)) {
    if (value !== undefined && !notForwarded.has(name)) headers[name] = value
  }
  if (typeof headers.location === 'string') {
    headers.location = rewriteLocation(headers.location, route.prefix, hostOf(route))
  }
  return headers
}

/** Every byte becomes one character, so that pages of any encoding survive. */
async function readLatin1(answer: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk)
  return Buffer.concat(chunks).toString('latin1')
}

function badGateway(route: PodPort, cause: unknown): StatusError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return unavailable(`error trying to reach service: dial pod ${route.namespace}/${route.pod}:${route.port}: ${why}`)
}

/** Hands the connection over to the backend: from its answer on, it is between client and pod. */
export async function proxyUpgrade(
  podStreams: PodStreams,
  route: ProxyRoute,
  upgrade: Upgrade,
  query: URLSearchParams,
) {
  const duplex = await connect(podStreams, route)
  const { request, socket, head } = upgrade
  upgrade.accepted = true
  const headers = {
    ...forwardedHeaders(route, request.headers as Record<string, string>),
    connection: 'Upgrade',
    upgrade: request.headers.upgrade ?? '',
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  duplex.write(`${request.method} ${targetOf(route, query)} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
  duplex.write(head)
  duplex.on('error', () => duplex.destroy())
  socket.pipe(duplex).pipe(socket)
  await new Promise<void>((resolve) => {
    socket.once('close', () => duplex.destroy())
    duplex.once('close', () => {
      socket.destroy()
      resolve()
    })
  })
}
