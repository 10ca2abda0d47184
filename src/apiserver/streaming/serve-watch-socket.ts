/** A watch over a WebSocket, for browsers: one event per message. */
import type { WebSocket } from 'ws'
import type { ApiResponse } from '#api/wire.ts'
import { untilAborted } from '../https/write-answer.ts'
import { sendMessage } from './serve-websocket.ts'

/** With this subprotocol messages are base64 text. */
export const base64Protocol = 'base64.binary.k8s.io'
export const watchProtocols = [base64Protocol, 'binary.k8s.io'] as const

export async function serveWatchSocket(
  socket: WebSocket,
  protocol: string | undefined,
  events: Extract<NonNullable<ApiResponse['body']>, { type: 'watch' }>['events'],
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const batch of untilAborted(events, signal)) {
      for (const event of batch) {
        const line = Buffer.from(event.json())
        // Awaited, so that a browser that does not read holds up its own watch and not our memory.
        await sendMessage(socket, protocol === base64Protocol ? line.toString('base64') : line.toString('utf8'))
      }
    }
  } catch {
    // The browser has gone; its close event has aborted the signal or is about to.
  }
  socket.close(1000)
}
