/** exec and attach over a WebSocket: channels 0 to 4, and 255 to half-close in v5. */
import type { WebSocket } from 'ws'
import type { ExecOptions, TerminalSize } from '#api/pod-streams.ts'
import { ByteQueue } from './byte-queue.ts'
import { channels, decodeChannelMessage, encodeChannelMessage, parseTerminalSize } from './encode-channels.ts'
import { encodeStatus } from './exec-status.ts'
import type { ExecPeer } from './run-exec.ts'
import { sendMessage } from './serve-websocket.ts'

/** What clients without any subprotocol speak. */
export const plainProtocol = 'channel.k8s.io'

export async function execWebSocketPeer(socket: WebSocket, protocol: string, options: ExecOptions): Promise<ExecPeer> {
  const gone = new AbortController()
  const stdin = new ByteQueue({ onFull: () => socket.pause(), onRoom: () => socket.resume() })
  const sizes: TerminalSize[] = []
  let resize = (size: TerminalSize): void => void sizes.push(size)
  socket.on('close', () => {
    stdin.end()
    gone.abort()
  })
  socket.on('message', (message: Buffer) => {
    const decoded = decodeChannelMessage(protocol, message)
    if (!decoded) return
    if (decoded.channel === channels.stdin && options.stdin) stdin.push(decoded.data)
    if (decoded.channel === channels.close && decoded.data[0] === channels.stdin) stdin.end()
    if (decoded.channel === channels.resize) {
      const size = parseTerminalSize(Buffer.from(decoded.data).toString())
      if (size) resize(size)
    }
  })
  const send = (channel: number, data: Uint8Array) =>
    // A client that has gone is no failure of the command; `gone` is aborted in that case.
    sendMessage(socket, encodeChannelMessage(protocol, channel, data)).catch(() => {})
  // client-go drops what comes before it has set up its streams, which it does after the handshake: see `ready`.
  const ready = protocol === 'v5.channel.k8s.io' ? answersPings(socket) : Promise.resolve()
  // Older clients may wait for a first message before they send anything.
  if (protocol !== 'v5.channel.k8s.io') await send(firstWritable(options), new Uint8Array())
  return {
    stdin,
    gone: gone.signal,
    onResize: (callback) => {
      for (const size of sizes) callback(size)
      resize = callback
    },
    write: async (channel, chunk) => {
      await ready
      await send(channels[channel], chunk)
    },
    finish: async (status) => {
      await ready
      const text = encodeStatus(status, protocol)
      if (text !== undefined) await send(channels.status, Buffer.from(text))
      // client-go takes every other close code for a broken stream.
      socket.close(1000)
    },
  }
}

const pingRounds = 3
const readyWithinMs = 100

/**
 * Resolves when the client has answered a few pings, one after another: its reading loop then runs, and the task that
 * sets up its streams has had several turns. Nothing in the protocol says so; a command needs longer to start anyway.
 */
async function answersPings(socket: WebSocket): Promise<void> {
  for (let round = 0; round < pingRounds; round++) {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, readyWithinMs)
      socket.once('pong', () => {
        clearTimeout(timer)
        resolve()
      })
      socket.ping(undefined, undefined, (error) => error && resolve())
    })
  }
}

function firstWritable(options: ExecOptions): number {
  if (options.stdout) return channels.stdout
  return options.stderr ? channels.stderr : channels.status
}
