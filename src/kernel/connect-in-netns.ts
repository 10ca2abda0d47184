/** Connects a TCP socket that was made in another network namespace; the connection stays there. */
import net from 'node:net'
import { SystemCallError, close, connect, errnoName, errnoOf, lastErrno } from './libc.ts'
import { takeSocketError, untilWritable } from './libc-process.ts'
import type { NamespaceBroker } from './namespace-broker.ts'
import { socketAddress } from './socket-address.ts'

export interface ConnectTarget {
  /** Path of the namespace from which to connect. */
  readonly netns: string
  readonly address: string
  readonly port: number
}

/** Throws SystemCallError with the errno of the failure, or the signal's reason. */
export async function connectInNetns(
  broker: Pick<NamespaceBroker, 'openTcpSockets'>,
  target: ConnectTarget,
  signal: AbortSignal,
): Promise<net.Socket> {
  const { netns, address, port } = target
  const [fd] = await broker.openTcpSockets(netns, address.includes(':') ? 'IPv6' : 'IPv4', 1)
  try {
    await completeConnect(fd!, address, port, signal)
  } catch (error) {
    close(fd!)
    throw error
  }
  return new net.Socket({ fd: fd!, readable: true, writable: true, allowHalfOpen: true })
}

async function completeConnect(fd: number, address: string, port: number, signal: AbortSignal): Promise<void> {
  const target = socketAddress(address, port)
  if (connect(fd, target, target.length) === 0) return
  const errno = lastErrno()
  if (errno !== errnoOf.EINPROGRESS) throw connectError(errno, address, port)
  await untilWritable(fd, signal)
  const failed = takeSocketError(fd)
  if (failed !== 0) throw connectError(failed, address, port)
}

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
  ETIMEDOUT: 'connection timed out',
  ECONNRESET: 'connection reset by peer',
}

/** The message is that of Go's dialer, which users know from probe events. */
function connectError(errno: number, address: string, port: number): SystemCallError {
  const error = new SystemCallError('connect', errno)
  const name = errnoName(errno)
  error.message = `dial tcp ${address.includes(':') ? `[${address}]` : address}:${port}: connect: ${words[name] ?? name}`
  return error
}
