/**
 * TCP by plain blocking calls, one thread on both ends: between two ends on one machine everything has happened when
 * `connect` returns, so nothing of an event loop or of the scheduler is in the figures.
 */
import koffi from 'koffi'
import { bind, checked, close, connect, recv, send, setsockopt, socket } from '#kernel/libc.ts'
import { socketAddress } from '#kernel/socket-address.ts'

const libc = koffi.load('libc.so.6')
const listen = libc.func('int listen(int fd, int backlog)') as (fd: number, backlog: number) => number
const accept4 = libc.func('int accept4(int fd, void *address, void *length, int flags)') as (
  fd: number,
  address: null,
  length: null,
  flags: number,
) => number

const AF_INET = 2
const SOCK_STREAM = 1
const SOCK_CLOEXEC = 0x80000
const SOL_SOCKET = 1
const SO_RCVTIMEO = 20
const SO_SNDTIMEO = 21
const SO_LINGER = 13
const IPPROTO_TCP = 6
const TCP_CONGESTION = 13
const reno = new TextEncoder().encode('reno')
const MSG_DONTWAIT = 0x40
const MSG_NOSIGNAL = 0x4000
const backlog = 128
/** Nothing here takes so long unless it is lost. */
const patienceMs = 3_000

/** Closing resets: no port stays taken, no end waits for the other. */
const resetOnClose = new Uint8Array(Int32Array.of(1, 0).buffer)

export function listenOn(port: number): number {
  const fd = makeSocket()
  const address = socketAddress('0.0.0.0', port)
  checked('bind', bind(fd, address, address.length))
  checked('listen', listen(fd, backlog))
  return fd
}

/** @param waitMs how long a call may take, also connecting */
export function makeSocket(waitMs = patienceMs): number {
  const [seconds, micros] = [Math.floor(waitMs / 1000), (waitMs % 1000) * 1000]
  const patience = new Uint8Array(BigInt64Array.of(BigInt(seconds), BigInt(micros)).buffer)
  const fd = checked('open socket', socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, patience, patience.length)
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, patience, patience.length)
  setsockopt(fd, SOL_SOCKET, SO_LINGER, resetOnClose, resetOnClose.length)
  return fd
}

/**
 * BBR, the default of some hosts, paces by what it believes of the path: of two equal streams one had a sixth of the
 * other's throughput. Reno is in every kernel and on a path without losses keeps nothing back.
 */
export function useReno(fd: number): void {
  checked('choose congestion control', setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, reno, reno.length))
}

/** @returns the server's end; throws when nobody has come */
export const accept = (listener: number): number =>
  checked('accept', accept4(listener, null, null, SOCK_CLOEXEC), 'a connection')

/** Connects once. @returns microseconds of `connect`; NaN when it failed or another listener than this had it */
export function timeConnect(target: Uint8Array, listener: number): number {
  const fd = makeSocket()
  try {
    const begun = performance.now()
    const result = connect(fd, target, target.length)
    const micros = (performance.now() - begun) * 1000
    if (result < 0) return NaN
    const accepted = accept4(listener, null, null, SOCK_CLOEXEC)
    if (accepted < 0) return NaN
    close(accepted)
    return micros
  } finally {
    close(fd)
  }
}

const chunk = new Uint8Array(256 * 1024)
const received = new Uint8Array(512 * 1024)

/** Sends `bytes` from one end to the other. Throws unless exactly as many arrive. */
export function stream(from: number, to: number, bytes: number): void {
  let [sent, arrived] = [0, 0]
  while (arrived < bytes) {
    const room = Math.min(chunk.length, bytes - sent)
    if (room > 0) sent += Math.max(0, send(from, chunk, room, MSG_DONTWAIT | MSG_NOSIGNAL))
    let count = recv(to, received, received.length, 0)
    if (checked('receive', count) === 0) throw new Error(`Cannot go on: the stream ended after ${arrived} bytes`)
    while (count > 0) {
      arrived += count
      count = recv(to, received, received.length, MSG_DONTWAIT)
    }
  }
  if (arrived !== bytes || sent !== bytes)
    throw new Error(`Cannot trust the stream: ${arrived} of ${sent} bytes arrived`)
}
