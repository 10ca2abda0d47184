/** WebSocket handshakes, also for subprotocol names that are no HTTP tokens. */
import type { WebSocket, WebSocketServer } from 'ws'
import type { Upgrade } from '../https/serve-http1.ts'

let shared: Promise<WebSocketServer> | undefined

async function webSocketServer(): Promise<WebSocketServer> {
  // Costs 20 ms, and most runs never need it.
  const { WebSocketServer: Server } = await import('ws')
  const server = new Server({ noServer: true, perMessageDeflate: false, maxPayload: 16 * 1024 * 1024 })
  server.on('headers', (headers, request) => {
    const chosen = chosenProtocols.get(request)
    if (chosen !== undefined) headers.push(`Sec-WebSocket-Protocol: ${chosen}`)
  })
  return server
}

const chosenProtocols = new WeakMap<object, string>()

/** @param protocol what to answer; the client's own list is not looked at any more */
export async function acceptWebSocket(upgrade: Upgrade, protocol: string | undefined): Promise<WebSocket> {
  const server = await (shared ??= webSocketServer())
  const { request, socket, head } = upgrade
  upgrade.accepted = true
  // ws refuses `SPDY/3.1+portforward.k8s.io` for its slash.
  delete request.headers['sec-websocket-protocol']
  if (protocol !== undefined) chosenProtocols.set(request, protocol)
  return new Promise((resolve) => {
    server.handleUpgrade(request, socket, head, (accepted) => {
      // Without a listener a broken connection would end the process; 'close' follows and is what counts.
      accepted.on('error', () => accepted.terminate())
      resolve(accepted)
    })
  })
}

export const isWebSocket = ({ request }: Upgrade): boolean => request.headers.upgrade?.toLowerCase() === 'websocket'

/** Resolves when the message was handed to the network. */
export function sendMessage(socket: WebSocket, message: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const binary = typeof message !== 'string'
    socket.send(message, { binary }, (error) => (error ? reject(error) : resolve()))
  })
}
