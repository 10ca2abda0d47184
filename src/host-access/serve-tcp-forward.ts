/** Carries TCP connections from one address of the host's loopback to one address of the cluster, byte for byte. */
import { createServer, Socket } from 'node:net'
import { close, connect, errnoOf, lastErrno } from '#kernel/libc.ts'
import { socketAddress } from '#kernel/socket-address.ts'
import { type Door, familyOf, type Forward } from './plan-forwards.ts'
import type { ForwardContext, Listener } from './run-forwards.ts'

/** Rejects when the address cannot be listened on. */
export async function serveTcpForward({ listen, target }: Forward, context: ForwardContext): Promise<Listener> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (client) => {
    carry(client, target, context).catch((error: unknown) => {
      context.log.warn({ err: error, target }, 'Cannot forward a connection')
      client.resetAndDestroy()
    })
  })
  const listening = Promise.withResolvers<void>()
  server.once('error', listening.reject)
  server.listen({ host: listen.address, port: listen.port }, () => listening.resolve())
  await listening.promise
  server.off('error', listening.reject)
  server.on('error', (error) => context.log.warn({ err: error, listen }, 'Host listener'))
  return { stopListening: () => void server.close() }
}

async function carry(client: Socket, target: Door, { targetSockets, connections }: ForwardContext): Promise<void> {
  track(client, connections)
  // while no socket is there yet, a client that gives up only has to be noticed
  client.on('error', () => client.destroy())
  const fd = await targetSockets.takeTcp(familyOf(target))
  if (client.destroyed) return void close(fd)
  const address = socketAddress(target.address, target.port)
  if (connect(fd, address, address.length) < 0 && lastErrno() !== errnoOf.EINPROGRESS) {
    close(fd)
    client.resetAndDestroy()
    return
  }
  // reading reports how connecting ended; what is written before that waits in the socket
  const upstream = track(new Socket({ fd, allowHalfOpen: true, readable: true, writable: true }), connections)
  upstream.setNoDelay(true)
  tie(client, upstream)
  tie(upstream, client)
}

/** What `from` says goes to `to`, its end too; a connection that breaks breaks the other one, at once and visibly. */
function tie(from: Socket, to: Socket): void {
  from.pipe(to)
  const breakOff = (): void => {
    if (!to.destroyed) to.resetAndDestroy()
  }
  from.on('error', breakOff)
  from.on('close', (hadError) => {
    if (hadError || !from.readableEnded) breakOff()
  })
}

function track(socket: Socket, connections: Set<Socket>): Socket {
  connections.add(socket)
  socket.on('close', () => connections.delete(socket))
  return socket
}
