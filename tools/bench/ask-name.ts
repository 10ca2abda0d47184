/** One question over UDP, to see whether a server answers and what. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'

const againMs = 50
const patienceMs = 30_000

/** Asks until there is an answer. @returns the address it ends with: that of its one A record */
export async function askAddress(port: number, name: string): Promise<string> {
  const labels = name.split('.').map((label) => `${String.fromCharCode(label.length)}${label}`)
  const query = Buffer.from(`\0\x01\x01\0\0\x01\0\0\0\0\0\0${labels.join('')}\0\0\x01\0\x01`, 'latin1')
  const socket = createSocket('udp4')
  // not listening yet: the next question tells
  socket.on('error', () => {})
  const ask = (): void => socket.send(query, port, '127.0.0.1')
  const timer = setInterval(ask, againMs)
  ask()
  try {
    const [answer] = (await once(socket, 'message', { signal: AbortSignal.timeout(patienceMs) })) as [Buffer]
    return [...answer.subarray(-4)].join('.')
  } finally {
    clearInterval(timer)
    socket.close()
  }
}

export async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  return port
}
