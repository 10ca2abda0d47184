/** Bound sockets, made in the network namespace of the calling thread. */
import { bind, checked, close, setsockopt, socket } from './libc.ts'
import { socketAddress } from './socket-address.ts'

const AF_INET = 2
const AF_INET6 = 10
const SOCK_STREAM = 1
const SOCK_DGRAM = 2
const socketFlags = 0x800 | 0x80000 // non-blocking, close-on-exec
const SOL_SOCKET = 1
const SO_REUSEADDR = 2
const SO_REUSEPORT = 15
const IPPROTO_IPV6 = 41
const IPV6_V6ONLY = 26

export interface SocketPlace {
  readonly address: string
  readonly port: number
  /** The kernel spreads what comes among all sockets of this user that are bound to the same place and say so. */
  readonly isShared?: boolean
}

/** Not yet listening. */
export const boundTcpSocket = (place: SocketPlace): number => boundSocket(SOCK_STREAM, place)
export const boundUdpSocket = (place: SocketPlace): number => boundSocket(SOCK_DGRAM, place)

function boundSocket(type: number, { address, port, isShared = false }: SocketPlace): number {
  const target = socketAddress(address, port)
  const family = target.length === 16 ? AF_INET : AF_INET6
  const fd = checked('open socket', socket(family, type | socketFlags, 0))
  try {
    const set = (level: number, name: number): void => {
      checked('set option', setsockopt(fd, level, name, Uint8Array.of(1, 0, 0, 0), 4))
    }
    if (type === SOCK_STREAM) set(SOL_SOCKET, SO_REUSEADDR)
    if (isShared) set(SOL_SOCKET, SO_REUSEPORT)
    if (family === AF_INET6) set(IPPROTO_IPV6, IPV6_V6ONLY)
    checked('bind', bind(fd, target, target.length), `${address}:${port}`)
    return fd
  } catch (error) {
    close(fd)
    throw error
  }
}
