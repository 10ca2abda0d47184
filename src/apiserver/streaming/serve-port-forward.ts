/** port-forward: byte streams to ports of a pod, in SPDY streams or in the older channels of a WebSocket. */
import type { WebSocket } from 'ws'
import type { PodConnection, PodStreams } from '#api/pod-streams.ts'
import { ByteQueue } from './byte-queue.ts'
import type { BytePipe } from './byte-pipe.ts'
import { decodeChannelMessage, encodeChannelMessage } from './encode-channels.ts'
import { sendMessage } from './serve-websocket.ts'
import { runSpdySession } from './spdy-session.ts'
import type { SpdyStream } from './spdy-session.ts'

export interface PodRef {
  readonly namespace: string
  readonly pod: string
}

/** One end of a forwarded connection. */
interface ForwardPeer {
  readonly readable: AsyncIterable<Uint8Array>
  write(chunk: Uint8Array): Promise<void>
  end(): Promise<void>
  /** Tells why it failed. */
  fail(message: string): Promise<void>
}

/** Resolves when the client has gone. */
export async function forwardOverSpdy(podStreams: PodStreams, ref: PodRef, pipe: BytePipe): Promise<void> {
  const waiting = new Map<string, SpdyStream>()
  await runSpdySession(pipe, (stream) => {
    const { streamtype: type, port, requestid: id = '' } = stream.headers
    const other = waiting.get(id)
    if ((type !== 'data' && type !== 'error') || !port || other?.headers.streamtype === type) {
      void stream.reset()
      return
    }
    if (!other) {
      waiting.set(id, stream)
      return
    }
    waiting.delete(id)
    const [data, error] = type === 'data' ? [stream, other] : [other, stream]
    void forwardStreams(podStreams, ref, { port: Number(port), data, error })
  })
}

async function forwardStreams(
  podStreams: PodStreams,
  ref: PodRef,
  { port, data, error }: { port: number; data: SpdyStream; error: SpdyStream },
): Promise<void> {
  await forward(podStreams, ref, port, {
    readable: data.readable,
    write: (chunk) => data.write(chunk),
    end: () => data.end(),
    fail: (message) => error.write(Buffer.from(message)),
  })
  await error.end()
  await data.end()
}

async function forward(podStreams: PodStreams, ref: PodRef, port: number, peer: ForwardPeer): Promise<void> {
  let connection: PodConnection
  try {
    connection = await podStreams.dial(ref, port)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    await peer.fail(`error forwarding port ${port} to pod ${ref.pod}: ${why}`)
    return
  }
  try {
    // Not awaited: when the pod has said its last, kubectl waits for our end before it ends its own side.
    void toPod(peer, connection)
    await fromPod(connection, peer)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    await peer.fail(`error forwarding port ${port} to pod ${ref.pod}: ${why}`)
  } finally {
    connection.destroy()
  }
}

async function toPod(peer: ForwardPeer, connection: PodConnection): Promise<void> {
  try {
    for await (const chunk of peer.readable) await connection.write(chunk)
    connection.end()
  } catch {
    // The pod takes no more; what it still says is told until its end.
  }
}

async function fromPod(connection: PodConnection, peer: ForwardPeer): Promise<void> {
  for await (const chunk of connection.readable) await peer.write(chunk)
  await peer.end()
}

/** Channel 2i carries the data of the i-th port, 2i+1 its errors; the first message of each names the port. */
export async function forwardOverChannels(
  podStreams: PodStreams,
  ref: PodRef,
  { socket, protocol, ports }: { socket: WebSocket; protocol: string; ports: readonly number[] },
): Promise<void> {
  const queues = ports.map(() => new ByteQueue({ onFull: () => socket.pause(), onRoom: () => socket.resume() }))
  socket.on('message', (message: Buffer) => {
    const decoded = decodeChannelMessage(protocol, message)
    if (decoded && decoded.channel % 2 === 0) queues[decoded.channel / 2]?.push(decoded.data)
  })
  socket.on('close', () => {
    for (const queue of queues) queue.end()
  })
  const send = (channel: number, data: Uint8Array) =>
    sendMessage(socket, encodeChannelMessage(protocol, channel, data)).catch(() => {})
  for (const [index, port] of ports.entries()) {
    const name = Buffer.alloc(2)
    name.writeUInt16LE(port)
    await send(2 * index, name)
    await send(2 * index + 1, name)
  }
  await Promise.all(
    ports.map((port, index) =>
      forward(podStreams, ref, port, {
        readable: queues[index]!,
        write: (chunk) => send(2 * index, chunk),
        // There is no half-close in this protocol: the pod's end is told by closing, when all ports have ended.
        end: async () => queues[index]!.end(),
        fail: (message) => send(2 * index + 1, Buffer.from(message)),
      }),
    ),
  )
  socket.close(1000)
}
