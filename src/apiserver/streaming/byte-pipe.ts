/** A connection that carries bytes both ways: a socket after an upgrade, or a WebSocket used as a tunnel. */
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { ByteQueue } from './byte-queue.ts'

export interface BytePipe {
  /** Ends when the other side has gone. */
  readonly chunks: AsyncIterable<Uint8Array>
  /** Resolves when the bytes were taken. */
  write(bytes: Uint8Array): Promise<void>
  close(): void
}

/** @param head bytes that were read already */
export function socketPipe(socket: Duplex, head: Uint8Array): BytePipe {
  const queue = new ByteQueue({ onFull: () => socket.pause(), onRoom: () => socket.resume() })
  queue.push(head)
  socket.on('data', (chunk: Buffer) => queue.push(chunk))
  socket.on('end', () => queue.end())
  socket.on('close', () => queue.end())
  socket.on('error', () => queue.end())
  return {
    chunks: queue,
    write: (bytes) =>
      new Promise((resolve, reject) => {
        socket.write(bytes, (error) => (error ? reject(error) : resolve()))
      }),
    // What was written is still sent.
    close: () => void socket.end(),
  }
}

export function webSocketPipe(socket: WebSocket): BytePipe {
  const queue = new ByteQueue({ onFull: () => socket.pause(), onRoom: () => socket.resume() })
  socket.on('message', (data: Buffer) => queue.push(data))
  socket.on('close', () => queue.end())
  return {
    chunks: queue,
    write: (bytes) =>
      new Promise((resolve, reject) => {
        socket.send(bytes, { binary: true }, (error) => (error ? reject(error) : resolve()))
      }),
    close: () => socket.close(1000),
  }
}
