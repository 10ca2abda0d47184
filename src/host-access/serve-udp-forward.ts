/** Carries datagrams between the host's loopback and the cluster: each client has a port of its own over there. */
import { createSocket, type Socket } from 'node:dgram'
import type { ForwardContext, Listener } from './run-forwards.ts'
import { familyOf, type Forward } from './plan-forwards.ts'

const idleMs = 60_000
const maxClients = 1000
/** Datagrams that wait until a client's socket is there; more are lost, as datagrams are. */
const maxWaiting = 64

const literal = (host: string, _options: unknown, done: (error: null, address: string, family: number) => void): void =>
  done(null, host, host.includes(':') ? 6 : 4)

interface Session {
  /** Absent while it is being opened. */
  socket: Socket | undefined
  isClosed: boolean
  readonly waiting: Uint8Array[]
  readonly idle: NodeJS.Timeout
}

/** Rejects when the address cannot be listened on. */
export async function serveUdpForward({ listen, target }: Forward, context: ForwardContext): Promise<Listener> {
  const sessions = new Map<string, Session>()
  const server = createSocket({ type: 'udp4', lookup: literal })
  const lost = (error: Error | null): void => {
    if (error) context.log.debug({ err: error, listen }, 'Cannot forward a datagram')
  }

  const end = (client: string): void => {
    const session = sessions.get(client)
    if (!session) return
    sessions.delete(client)
    session.isClosed = true
    clearTimeout(session.idle)
    session.socket?.close()
  }

  const open = async (client: string, session: Session, reply: (packet: Uint8Array) => void): Promise<void> => {
    const family = familyOf(target)
    const fd = await context.targetSockets.openUdp(family)
    const socket = createSocket({ type: family === 'IPv4' ? 'udp4' : 'udp6', lookup: literal })
    // the target refuses (no endpoints): a datagram's sender cannot be told more than silence says
    socket.on('error', lost)
    socket.on('message', (packet) => {
      session.idle.refresh()
      reply(packet)
    })
    await new Promise<void>((resolve) => socket.bind({ fd }, resolve))
    // connected: only the target's datagrams come in
    await new Promise<void>((resolve) => socket.connect(target.port, target.address, resolve))
    if (session.isClosed) return void socket.close()
    session.socket = socket
    for (const packet of session.waiting.splice(0)) socket.send(packet, lost)
  }

  const sessionOf = (address: string, port: number): Session => {
    const client = `${address}:${port}`
    const known = sessions.get(client)
    if (known) return known
    const [oldest] = sessions.keys()
    if (sessions.size >= maxClients && oldest !== undefined) end(oldest)
    const idle = setTimeout(() => end(client), idleMs).unref()
    const session: Session = { socket: undefined, isClosed: false, waiting: [], idle }
    sessions.set(client, session)
    open(client, session, (packet) => server.send(packet, port, address, lost)).catch((error: unknown) => {
      context.log.warn({ err: error, target }, 'Cannot forward datagrams')
      end(client)
    })
    return session
  }

  server.on('message', (packet, from) => {
    const session = sessionOf(from.address, from.port)
    session.idle.refresh()
    if (session.socket) session.socket.send(packet, lost)
    else if (session.waiting.length < maxWaiting) session.waiting.push(packet)
  })
  const bound = Promise.withResolvers<void>()
  server.once('error', bound.reject)
  server.bind({ address: listen.address, port: listen.port, exclusive: true }, () => bound.resolve())
  try {
    await bound.promise
  } catch (error) {
    server.close()
    throw error
  }
  server.off('error', bound.reject)
  server.on('error', (error) => context.log.warn({ err: error, listen }, 'Host socket'))

  const stopListening = (): void => {
    server.close()
    for (const client of sessions.keys()) end(client)
  }
  return { stopListening }
}
