/** One question over a real socket that was made in some network namespace. */
import net from 'node:net'
import { close, connect, getsockopt, errnoOf, lastErrno, pollReadable, recv, send } from '#kernel/libc.ts'
import { socketAddress } from '#kernel/socket-address.ts'

/** How long silence lasts where it is expected. */
export const silenceMs = 400
/** Where an answer is expected: the machine may be busy. */
export const answerMs = 5_000
/** Where a refusal is expected: it has to come before TCP tries again, a second later. */
export const refusalMs = 950

const IPPROTO_TCP = 6
const TCP_INFO = 11
const totalRetransmissions = 100

/** TCP asks again after a second: a connection that needed that has not been routed at once. */
const secondAttemptMs = 990
function hasRetransmitted(fd: number): boolean {
  const info = Buffer.alloc(104)
  return getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, [info.length]) === 0 && info.readUInt32LE(totalRetransmissions) > 0
}
const MSG_DONTWAIT = 0x40

const outcomeOf: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
}

/** `10.96.0.1:80` or `[fd00::1]:80`. */
export function parseTarget(to: string): { address: string; port: number } {
  const [, address = '', port = ''] = /^\[?([^\]]*)\]?:(\d+)$/.exec(to) ?? []
  return { address, port: Number(port) }
}

function targetOf(to: string): Uint8Array {
  const { address, port } = parseTarget(to)
  return socketAddress(address, port)
}

/** What has arrived by now counts, also when this process was too busy to look. */
function afterSilence(waitMs: number, finish: () => void): NodeJS.Timeout {
  return setTimeout(() => setImmediate(() => setImmediate(finish)), waitMs)
}

/** Connects and reads what the other side says until it ends: that text, `refused`, `timeout` or an error code. */
export function exchangeTcp(fd: number, to: string, waitMs = answerMs): Promise<string> {
  const target = targetOf(to)
  if (connect(fd, target, target.length) < 0 && lastErrno() !== errnoOf.EINPROGRESS) {
    const errno = lastErrno()
    close(fd)
    const name = Object.keys(outcomeOf).find((one) => errnoOf[one] === errno)
    return Promise.resolve(name === undefined ? `errno ${errno}` : outcomeOf[name]!)
  }
  const start = performance.now()
  return new Promise((resolve) => {
    const connection = new net.Socket({ fd, readable: true, writable: true, allowHalfOpen: true })
    let text = ''
    const timer = afterSilence(waitMs, () => finish('timeout'))
    const finish = (outcome: string) => {
      clearTimeout(timer)
      connection.destroy()
      resolve(outcome)
    }
    connection.on('data', (data) => (text += data.toString()))
    connection.on('end', () => {
      const isLate = performance.now() - start > secondAttemptMs && hasRetransmitted(fd)
      finish(isLate ? 'answered at a second attempt' : text)
    })
    connection.on('error', ({ code = 'error' }: NodeJS.ErrnoException) => finish(outcomeOf[code] ?? code))
    connection.resume()
  })
}

/** A TCP connection that stays: one question, one answer, as often as asked. Made by the first. */
export class TcpClient {
  readonly #fd: number
  readonly #target: Uint8Array
  #connection: net.Socket | undefined
  #onAnswer: (outcome: string) => void = () => {}

  constructor(fd: number, to: string) {
    this.#fd = fd
    this.#target = targetOf(to)
  }

  exchange(waitMs = answerMs): Promise<string> {
    return new Promise((resolve) => {
      const timer = afterSilence(waitMs, () => this.#onAnswer('timeout'))
      this.#onAnswer = (outcome) => {
        clearTimeout(timer)
        this.#onAnswer = () => {}
        resolve(outcome)
      }
      this.#connection ??= this.#connect()
      this.#connection.write('hello')
    })
  }

  #connect(): net.Socket {
    connect(this.#fd, this.#target, this.#target.length)
    return new net.Socket({ fd: this.#fd, readable: true, writable: true })
      .on('data', (data) => this.#onAnswer(data.toString()))
      .on('error', ({ code }: NodeJS.ErrnoException) => this.#onAnswer(code === 'ECONNREFUSED' ? 'refused' : `${code}`))
      .on('close', () => this.#onAnswer('closed'))
  }

  close(): void {
    if (this.#connection) this.#connection.destroy()
    else close(this.#fd)
  }
}

/** A connected UDP socket: one datagram out, one answer or ICMP error back. */
export class UdpClient {
  readonly #fd: number
  readonly #buffer = new Uint8Array(256)
  readonly #poll: { close(): void }
  #onReadable: () => void = () => {}

  constructor(fd: number, to: string) {
    this.#fd = fd
    const target = targetOf(to)
    connect(fd, target, target.length)
    this.#poll = pollReadable(fd, () => this.#onReadable())
  }

  exchange(waitMs = answerMs): Promise<string> {
    return new Promise((resolve) => {
      const finish = (outcome: string) => {
        clearTimeout(timer)
        this.#onReadable = () => {}
        resolve(outcome)
      }
      const timer = afterSilence(waitMs, () => finish('timeout'))
      const receive = () => {
        const length = recv(this.#fd, this.#buffer, this.#buffer.length, MSG_DONTWAIT)
        if (length >= 0) finish(Buffer.from(this.#buffer.subarray(0, length)).toString())
        else if (lastErrno() === errnoOf.ECONNREFUSED) finish('refused')
        else if (lastErrno() !== errnoOf.EAGAIN) finish(`errno ${lastErrno()}`)
      }
      this.#onReadable = receive
      const message = Buffer.from('hello')
      const sent = send(this.#fd, message, message.length, 0)
      const errno = lastErrno()
      if (sent >= 0) return
      // What a local process sends into a refusal fails itself (EPERM), and the refusal waits on the socket.
      if (errno === errnoOf.EPERM) receive()
      else finish(errno === errnoOf.ECONNREFUSED ? 'refused' : `errno ${errno}`)
    })
  }

  close(): void {
    this.#poll.close()
    close(this.#fd)
  }
}
