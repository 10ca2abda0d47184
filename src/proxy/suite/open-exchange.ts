/** One question over a real socket that was made in some network namespace. */
import net from 'node:net'
import { close, connect, errnoOf, lastErrno, pollReadable, recv, send } from '#kernel/libc.ts'
import { socketAddress } from '#kernel/socket-address.ts'

/** Long enough for an answer on a busy machine; only silence takes so long. */
const silenceMs = 400
const MSG_DONTWAIT = 0x40

function targetOf(to: string): Uint8Array {
  const [address = '', port = ''] = to.split(':')
  return socketAddress(address, Number(port))
}

/** Connects and reads what the other side says until it ends: that text, `refused`, `timeout` or an error code. */
export function exchangeTcp(fd: number, to: string): Promise<string> {
  const target = targetOf(to)
  if (connect(fd, target, target.length) < 0 && lastErrno() !== errnoOf.EINPROGRESS) {
    const outcome = lastErrno() === errnoOf.ECONNREFUSED ? 'refused' : `errno ${lastErrno()}`
    close(fd)
    return Promise.resolve(outcome)
  }
  return new Promise((resolve) => {
    const connection = new net.Socket({ fd, readable: true, writable: true })
    let text = ''
    const timer = setTimeout(() => finish('timeout'), silenceMs)
    const finish = (outcome: string) => {
      clearTimeout(timer)
      connection.destroy()
      resolve(outcome)
    }
    connection.on('data', (data) => (text += data.toString()))
    connection.on('end', () => finish(text))
    connection.on('error', (error: NodeJS.ErrnoException) =>
      finish(error.code === 'ECONNREFUSED' ? 'refused' : String(error.code)),
    )
    connection.resume()
  })
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

  exchange(): Promise<string> {
    return new Promise((resolve) => {
      const finish = (outcome: string) => {
        clearTimeout(timer)
        this.#onReadable = () => {}
        resolve(outcome)
      }
      const timer = setTimeout(() => finish('timeout'), silenceMs)
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
