/** The streaming subresources (exec, attach, portforward, log, proxy), and watches over WebSocket. */
import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Pod } from '#api/pod.ts'
import type { TerminalSize } from '#api/pod-streams.ts'
import type { ApiRequest, UserInfo } from '#api/wire.ts'
import { badRequest } from '../api-errors.ts'
import { parseOfferedProtocols, selectSubprotocol } from '../auth/select-subprotocol.ts'
import { authorizeRequest } from '../authorize-request.ts'
import { flattenHeaders, splitTarget } from '../https/exchange.ts'
import type { Exchange } from '../https/exchange.ts'
import { credentialsOf } from '../https/peer-credentials.ts'
import type { Upgrade } from '../https/serve-http1.ts'
import { writeAnswer } from '../https/write-answer.ts'
import { statusOf } from '../https/write-failure.ts'
import { isTrue, parseRequestInfo } from '../request/parse-request-info.ts'
import type { RequestInfo, ResourceInfo } from '../request/parse-request-info.ts'
import type { ServeHttpsOptions } from '../serve-https.ts'
import { socketPipe, webSocketPipe } from './byte-pipe.ts'
import { execProtocols } from './encode-channels.ts'
import { findProxyRoute } from './find-proxy-route.ts'
import { planExec, requireHost } from './plan-exec.ts'
import { planLog } from './plan-log.ts'
import { namespacedPath, readObject } from './read-object.ts'
import { runExec } from './run-exec.ts'
import { accessInfo, selectStream } from './select-stream.ts'
import type { StreamKind } from './select-stream.ts'
import { execSpdyPeer, spdyExecProtocols } from './serve-exec-spdy.ts'
import { execWebSocketPeer, plainProtocol } from './serve-exec-websocket.ts'
import { forwardOverChannels, forwardOverSpdy } from './serve-port-forward.ts'
import { proxyExchange, proxyUpgrade } from './serve-proxy.ts'
import { serveWatchSocket, watchProtocols } from './serve-watch-socket.ts'
import { acceptWebSocket, isWebSocket } from './serve-websocket.ts'

export interface Streaming {
  /** @returns undefined when the request is not for a stream */
  answer(exchange: Exchange, info: RequestInfo, user: UserInfo): Promise<void> | undefined
  /** Never rejects: a refusal is answered on the socket. */
  upgrade(upgrade: Upgrade): Promise<void>
}

type Deps = Pick<ServeHttpsOptions, 'handle' | 'authenticate' | 'authorize' | 'podStreams' | 'log'>

export function openStreaming(deps: Deps, stopping: AbortSignal): Streaming {
  return {
    answer: (exchange, info, user) => {
      const stream = selectStream(info)
      return stream && answerStream(deps, exchange, { ...stream, user })
    },
    upgrade: async (upgrade) => {
      const { socket, request } = upgrade
      socket.on('error', () => {})
      const over = new AbortController()
      const end = () => {
        over.abort()
        socket.destroy()
      }
      socket.once('close', () => over.abort())
      stopping.addEventListener('abort', end, { once: true })
      try {
        await serveUpgrade(deps, upgrade, over.signal)
      } catch (error) {
        const status = statusOf(error, deps.log, `${request.method} ${request.url}`)
        if (upgrade.accepted) socket.destroy()
        else refuse(socket, status.code ?? 500, status)
      } finally {
        stopping.removeEventListener('abort', end)
      }
    },
  }
}

interface Stream {
  readonly kind: StreamKind
  readonly info: ResourceInfo
  readonly user: UserInfo
}

async function answerStream(deps: Deps, exchange: Exchange, { kind, info, user }: Stream): Promise<void> {
  const request: ApiRequest = { ...exchange, method: 'GET', user }
  await authorizeRequest(deps.authorize, request, accessInfo(kind, info))
  if (kind === 'proxy') {
    await proxyExchange(deps.podStreams, await findProxyRoute(deps.handle, info, exchange.path), exchange)
    return
  }
  const pod = await readPod(deps, info)
  if (kind !== 'log') throw badRequest('Upgrade request required')
  const { container, options } = planLog(pod, exchange.query, Date.now())
  const ref = { ...podRef(info), container }
  await writeAnswer(exchange, {
    status: 200,
    headers: { 'content-type': 'text/plain' },
    body: { type: 'stream', chunks: await deps.podStreams.logs(ref, options, exchange.signal) },
  })
}

/** Everything that may be refused is checked before the handshake, so that clients can show the reason. */
async function serveUpgrade(deps: Deps, upgrade: Upgrade, signal: AbortSignal): Promise<void> {
  const { request, peer } = upgrade
  const offered = parseOfferedProtocols(request.headers['sec-websocket-protocol'])
  const user = deps.authenticate(credentialsOf(peer, request.headers.authorization, offered.token))
  const method = request.method as ApiRequest['method']
  const apiRequest: ApiRequest = {
    method,
    ...splitTarget(request.url ?? '/'),
    headers: flattenHeaders(request.headers),
    user,
    signal,
  }
  const info = parseRequestInfo(apiRequest)
  const stream = selectStream(info)
  if (!stream) return upgradeWatch(deps, upgrade, apiRequest, { info, protocols: offered.protocols })
  await authorizeRequest(deps.authorize, apiRequest, accessInfo(stream.kind, stream.info))
  const context = { ...stream, query: apiRequest.query, protocols: offered.protocols, signal }
  switch (stream.kind) {
    case 'exec':
    case 'attach':
      return upgradeExec(deps, upgrade, context)
    case 'portforward':
      return upgradePortForward(deps, upgrade, context)
    case 'proxy': {
      const route = await findProxyRoute(deps.handle, stream.info, apiRequest.path)
      return proxyUpgrade(deps.podStreams, route, upgrade, apiRequest.query)
    }
    case 'log':
      throw badRequest('logs are not served over upgraded connections')
    default:
      stream.kind satisfies never
  }
}

interface UpgradeContext {
  readonly kind: StreamKind
  readonly info: ResourceInfo
  readonly query: URLSearchParams
  readonly protocols: readonly string[]
  readonly signal: AbortSignal
}

async function upgradeExec(deps: Deps, upgrade: Upgrade, context: UpgradeContext): Promise<void> {
  const { info, query, protocols, signal } = context
  const what = context.kind === 'attach' ? 'attach' : 'exec'
  const { container, command, options } = planExec(await readPod(deps, info), query, what)
  const ref = { ...podRef(info), container }
  const start = (size: TerminalSize | undefined) =>
    what === 'attach'
      ? deps.podStreams.attach(ref, options, signal)
      : deps.podStreams.exec(ref, command, { ...options, ...(size && { size }) }, signal)
  if (isWebSocket(upgrade)) {
    const protocol = selectSubprotocol(protocols, execProtocols)
    if (protocol === undefined && protocols.length > 0) throw noProtocol(protocols, execProtocols)
    const socket = await acceptWebSocket(upgrade, protocol)
    await runExec(await execWebSocketPeer(socket, protocol ?? plainProtocol, options), options, start)
    return
  }
  const protocol = acceptSpdy(upgrade, spdyExecProtocols)
  const peer = await execSpdyPeer(socketPipe(upgrade.socket, upgrade.head), protocol, options)
  await runExec(peer, options, start)
}

const tunnelProtocol = 'SPDY/3.1+portforward.k8s.io'
const channelProtocols = ['v4.channel.k8s.io', 'v4.base64.channel.k8s.io']

async function upgradePortForward(deps: Deps, upgrade: Upgrade, context: UpgradeContext): Promise<void> {
  const { info, query, protocols } = context
  const pod = await readPod(deps, info)
  requireHost(pod)
  if (pod.status?.phase !== 'Running') {
    throw badRequest(
      `unable to forward port because pod is not running. Current status=${pod.status?.phase ?? 'Pending'}`,
    )
  }
  const ref = podRef(info)
  if (!isWebSocket(upgrade)) {
    acceptSpdy(upgrade, ['portforward.k8s.io'])
    return forwardOverSpdy(deps.podStreams, ref, socketPipe(upgrade.socket, upgrade.head))
  }
  if (protocols.includes(tunnelProtocol)) {
    return forwardOverSpdy(deps.podStreams, ref, webSocketPipe(await acceptWebSocket(upgrade, tunnelProtocol)))
  }
  const protocol = selectSubprotocol(protocols, channelProtocols)
  if (protocol === undefined) throw noProtocol(protocols, [tunnelProtocol, ...channelProtocols])
  const ports = parsePorts(query)
  const socket = await acceptWebSocket(upgrade, protocol)
  return forwardOverChannels(deps.podStreams, ref, { socket, protocol, ports })
}

function parsePorts(query: URLSearchParams): number[] {
  const ports = query
    .getAll('ports')
    .flatMap((text) => text.split(','))
    .map(Number)
  const isPort = (port: number) => Number.isInteger(port) && port > 0 && port < 65536
  if (ports.length === 0 || ports.length > 100 || !ports.every(isPort)) {
    throw badRequest('the query parameter "ports" must name one or more ports')
  }
  return ports
}

async function upgradeWatch(
  deps: Deps,
  upgrade: Upgrade,
  request: ApiRequest,
  { info, protocols }: { info: RequestInfo; protocols: readonly string[] },
): Promise<void> {
  const isWatch = info.type === 'resource' && isTrue(request.query.get('watch'))
  if (!isWatch || !isWebSocket(upgrade)) throw badRequest('this request cannot be upgraded')
  const answer = await deps.handle(request)
  if (answer.body?.type !== 'watch') {
    refuse(upgrade.socket, answer.status, answer.body?.type === 'object' ? answer.body.value : {})
    return
  }
  const protocol = selectSubprotocol(protocols, watchProtocols)
  const socket = await acceptWebSocket(upgrade, protocol)
  await serveWatchSocket(socket, protocol, answer.body.events, request.signal)
}

/** @returns the protocol chosen among those of the client's `X-Stream-Protocol-Version` headers */
function acceptSpdy(upgrade: Upgrade, spoken: readonly string[]): string {
  const { request, socket } = upgrade
  if (request.headers.upgrade?.toLowerCase() !== 'spdy/3.1') {
    throw badRequest(`unable to upgrade: the protocol ${JSON.stringify(request.headers.upgrade)} is not known`)
  }
  const offered = String(request.headers['x-stream-protocol-version'] ?? '')
    .split(',')
    .map((text) => text.trim())
  const protocol = selectSubprotocol(offered, spoken)
  if (protocol === undefined) throw noProtocol(offered, spoken)
  upgrade.accepted = true
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n' +
      `X-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
  )
  return protocol
}

function noProtocol(offered: readonly string[], spoken: readonly string[]) {
  return badRequest(
    `unable to upgrade: unable to negotiate protocol: client supports [${offered.join(' ')}], server accepts [${spoken.join(' ')}]`,
  )
}

const readPod = (deps: Deps, info: ResourceInfo): Promise<Pod> =>
  readObject<Pod>(deps.handle, namespacedPath('pods', info.namespace ?? '', info.name ?? ''))

const podRef = ({ namespace = '', name = '' }: ResourceInfo) => ({ namespace, pod: name })

/** Before the handshake a refusal is an ordinary answer; after it there is only the connection to close. */
function refuse(socket: Duplex, code: number, value: object): void {
  if (socket.destroyed || !socket.writable) return
  const body = JSON.stringify(value)
  socket.end(
    `HTTP/1.1 ${code} ${STATUS_CODES[code] ?? 'Error'}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}
