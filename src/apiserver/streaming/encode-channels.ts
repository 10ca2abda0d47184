/** Messages of the channel subprotocols: several byte streams in one WebSocket. */

export const execProtocols = [
  'v5.channel.k8s.io',
  'v4.channel.k8s.io',
  'v4.base64.channel.k8s.io',
  'channel.k8s.io',
  'base64.channel.k8s.io',
] as const

export const channels = { stdin: 0, stdout: 1, stderr: 2, status: 3, resize: 4, close: 255 } as const

export interface ChannelMessage {
  readonly channel: number
  readonly data: Uint8Array
}

/** Text in base64 protocols, else binary. */
export function encodeChannelMessage(protocol: string, channel: number, data: Uint8Array): string | Uint8Array {
  if (isBase64(protocol)) return `${channel}${Buffer.from(data).toString('base64')}`
  return Buffer.concat([Buffer.of(channel), data])
}

/** @returns undefined for an empty message */
export function decodeChannelMessage(protocol: string, message: Buffer): ChannelMessage | undefined {
  if (message.length === 0) return undefined
  if (!isBase64(protocol)) return { channel: message[0]!, data: message.subarray(1) }
  return { channel: message[0]! - 0x30, data: Buffer.from(message.toString('latin1', 1), 'base64') }
}

const isBase64 = (protocol: string): boolean => protocol.includes('base64')

/** One terminal size per message or line: `{"Width":80,"Height":24}`. Undefined for anything else. */
export function parseTerminalSize(text: string): { width: number; height: number } | undefined {
  try {
    const { Width, Height } = JSON.parse(text) as { Width?: unknown; Height?: unknown }
    return typeof Width === 'number' && typeof Height === 'number' ? { width: Width, height: Height } : undefined
  } catch {
    return undefined
  }
}
