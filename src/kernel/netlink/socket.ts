/**
 * A netlink socket with synchronous requests. The kernel answers netlink requests inside `send`, so nothing is gained
 * by waiting on the event loop; only events (subscriptions) come by themselves and go through `onMessages`.
 * A socket acts on the network namespace in which it was made, whichever thread uses it.
 */
import * as libc from '../libc.ts'
import {
  MessageWriter,
  attributeText,
  nlmsgFlag,
  nlmsgType,
  readAttributes,
  readMessages,
  type ReceivedMessage,
} from './message.ts'

export const netlinkProtocol = { route: 0, netfilter: 12, generic: 16 } as const

const AF_NETLINK = 16
const SOCK_RAW = 3
const SOCK_NONBLOCK = 0x800
const SOCK_CLOEXEC = 0x80000
const SOL_SOCKET = 1
const SOL_NETLINK = 270
const SO_SNDBUF = 7
const SO_RCVBUF = 8
const SO_SNDBUFFORCE = 32
const SO_RCVBUFFORCE = 33
const NETLINK_ADD_MEMBERSHIP = 1
const NETLINK_CAP_ACK = 10
const NETLINK_EXT_ACK = 11
const NETLINK_GET_STRICT_CHK = 12
const MSG_DONTWAIT = 0x40
const NLM_F_CAPPED = 0x100
const NLM_F_ACK_TLVS = 0x200
const NLMSGERR_ATTR_MSG = 1
const NLMSGERR_ATTR_OFFS = 2

const { EINTR = 4, EAGAIN = 11, ENOBUFS = 105, ETIMEDOUT = 110 } = libc.errnoOf

/** How long a request may wait for an answer that the kernel gives at once in practice. */
const answerTimeoutMs = 5_000
const maxMessagesPerSend = 64
const maxReadsPerWakeUp = 256

/** The kernel refused a request. `index` is the place of the refused message among those of the request. */
export class NetlinkError extends Error {
  readonly errno: number
  readonly index: number
  /** Byte offset into the refused message of the attribute at fault, when the kernel names it. */
  readonly offset: number | undefined
  constructor(errno: number, index: number, text: string | undefined, offset: number | undefined) {
    const where = offset === undefined ? '' : ` at byte ${offset}`
    super(`Cannot apply netlink message ${index}: ${libc.errnoName(errno)}${text ? ` (${text})` : ''}${where}`)
    this.name = 'NetlinkError'
    this.errno = errno
    this.index = index
    this.offset = offset
  }
}

export const isNetlinkError = (error: unknown, errno: number): error is NetlinkError =>
  error instanceof NetlinkError && error.errno === errno

export interface RequestOptions {
  /** errno values that count as success, for example EEXIST. */
  readonly tolerate?: readonly number[]
}

export interface Netlink extends Disposable {
  readonly fd: number
  /** The most bytes that one `transact` may carry on this socket. */
  readonly maxBatchBytes: number
  /**
   * Sends the messages, each to be acknowledged. All are tried, also behind a refused one; then the first refusal is
   * thrown (NetlinkError).
   */
  request(messages: MessageWriter, options?: RequestOptions): void
  /** Sends one message without acknowledgement and returns its single answer's body copy. */
  get(message: MessageWriter): { readonly type: number; readonly body: Buffer }
  /** Sends one message with NLM_F_DUMP and calls back for every answer. Throws EINTR when the table changed meanwhile. */
  dump(message: MessageWriter, onMessage: (message: ReceivedMessage) => void): void
  /**
   * Sends all messages in one piece (nfnetlink batch: begin … end written by the caller); throws the first refusal.
   * Nothing has happened then.
   */
  transact(messages: MessageWriter): void
  /** The same, while this thread goes on. Leave the socket and the messages alone until it resolves. */
  transactMeanwhile(messages: MessageWriter): Promise<void>
  /** Joins a multicast group (rtnetlink: RTNLGRP_*, netfilter: NFNLGRP_*). */
  subscribe(group: number): void
  /**
   * Hands over every message that comes by itself. `onLost` is called when the kernel dropped events (list again).
   * Use a socket of its own for this: answers to requests would mix in.
   */
  onMessages(onMessage: (message: ReceivedMessage) => void, onLost: () => void): { close(): void; unref(): void }
  close(): void
}

/** Opens a socket in the calling thread's network namespace. */
export function openNetlink(protocol: number): Netlink {
  const fd = libc.socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol)
  return netlinkFrom(libc.checked('open netlink socket', fd))
}

/** Takes over a netlink socket made elsewhere (`NamespaceBroker.openNetlink`). */
export function netlinkFrom(fd: number): Netlink {
  return new NetlinkConnection(fd)
}

class NetlinkConnection implements Netlink {
  readonly fd: number
  readonly maxBatchBytes: number
  #sequence = 1
  #closed = false
  readonly #buffer = Buffer.allocUnsafeSlow(256 * 1024)

  constructor(fd: number) {
    this.fd = fd
    for (const option of [NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK])
      setOption(fd, SOL_NETLINK, option, 1)
    // The …FORCE forms need CAP_NET_ADMIN of the initial user namespace; rootless keeps what wmem_max allows.
    const size = 32 * 1024 * 1024
    if (!setOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, size)) setOption(fd, SOL_SOCKET, SO_RCVBUF, size)
    const forced = setOption(fd, SOL_SOCKET, SO_SNDBUFFORCE, size)
    if (!forced) setOption(fd, SOL_SOCKET, SO_SNDBUF, size)
    // The kernel refuses a message longer than the send buffer; the unforced one is at least wmem_default.
    this.maxBatchBytes = forced ? 16 * 1024 * 1024 : 192 * 1024
  }

  request(messages: MessageWriter, options: RequestOptions = {}): void {
    let failure: NetlinkError | undefined
    for (let first = 0; first < messages.messageCount; first += maxMessagesPerSend) {
      const count = Math.min(maxMessagesPerSend, messages.messageCount - first)
      failure ??= this.#sendAcknowledged(messages, first, count, options.tolerate ?? [])
    }
    if (failure) throw failure
  }

  #sendAcknowledged(messages: MessageWriter, first: number, count: number, tolerate: readonly number[]) {
    let failure: NetlinkError | undefined
    const base = this.#number(messages, first, count, nlmsgFlag.ack)
    const bytes = messages.bytes()
    this.#send(bytes.subarray(messages.startOf(first), messages.endOf(first + count - 1)))
    let waiting = count
    this.#receive((message) => {
      const place = message.sequence - base
      if (place < 0 || place >= count || message.type !== nlmsgType.error) return true
      const error = readError(message, first + place)
      if (error && !tolerate.includes(error.errno)) failure ??= error
      return --waiting > 0
    })
    return failure
  }

  get(message: MessageWriter): { readonly type: number; readonly body: Buffer } {
    const sequence = this.#number(message, 0, 1, 0)
    this.#send(message.bytes())
    let answer: { type: number; body: Buffer } | undefined
    this.#receive((received) => {
      if (received.sequence !== sequence) return true
      throwIfError(received)
      answer = { type: received.type, body: Buffer.from(received.body) }
      return false
    })
    return answer!
  }

  dump(message: MessageWriter, onMessage: (message: ReceivedMessage) => void): void {
    const sequence = this.#number(message, 0, 1, nlmsgFlag.dump)
    this.#send(message.bytes())
    let interrupted = false
    this.#receive((received) => {
      if (received.sequence !== sequence) return true
      if (received.flags & 0x10) interrupted = true // NLM_F_DUMP_INTR
      if (received.type === nlmsgType.done) {
        const status = received.body.length >= 4 ? received.body.readInt32LE(0) : 0
        if (status < 0) throw new NetlinkError(-status, 0, extendedText(received.body, 4), undefined)
        return false
      }
      throwIfError(received)
      onMessage(received)
      return true
    })
    if (interrupted) throw new NetlinkError(EINTR, 0, 'the table changed during the dump', undefined)
  }

  transact(messages: MessageWriter): void {
    const base = this.#numberBatch(messages)
    this.#send(messages.bytes())
    this.#readRefusal(base, messages.messageCount)
  }

  async transactMeanwhile(messages: MessageWriter): Promise<void> {
    const base = this.#numberBatch(messages)
    const bytes = messages.bytes()
    // What failed there is tried here, where the error is known.
    if ((await libc.sendMeanwhile(this.fd, bytes, bytes.length, 0)) < 0) this.#send(bytes)
    this.#readRefusal(base, messages.messageCount)
  }

  /** The kernel ends its work on a batch inside `send`; an acknowledgement of the last real message proves it. */
  #numberBatch(messages: MessageWriter): number {
    const count = messages.messageCount
    messages.addFlags(count - 2, nlmsgFlag.ack)
    return this.#number(messages, 0, count, 0)
  }

  #readRefusal(base: number, count: number): void {
    let failure: NetlinkError | undefined
    let finished = false
    this.#receive(
      (message) => {
        const place = message.sequence - base
        if (place < 0 || place >= count || message.type !== nlmsgType.error) return true
        failure ??= readError(message, place)
        if (place === count - 2) finished = true
        return true
      },
      () => finished || failure !== undefined,
    )
    if (failure) throw failure
  }

  subscribe(group: number): void {
    if (!setOption(this.fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group)) {
      throw new libc.SystemCallError('join netlink group', libc.lastErrno(), String(group))
    }
  }

  onMessages(onMessage: (message: ReceivedMessage) => void, onLost: () => void) {
    return libc.pollReadable(this.fd, () => {
      for (let reads = 0; reads < maxReadsPerWakeUp && !this.#closed; reads++) {
        const length = libc.recv(this.fd, this.#buffer, this.#buffer.length, MSG_DONTWAIT)
        if (length <= 0) {
          if (length < 0 && libc.lastErrno() === ENOBUFS) onLost()
          return
        }
        for (const message of readMessages(this.#buffer.subarray(0, length))) onMessage(message)
      }
    })
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    libc.close(this.fd)
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #number(messages: MessageWriter, first: number, count: number, flags: number): number {
    if (messages.messageCount < first + count) throw new Error('Cannot send a netlink request: it has no message')
    if (this.#sequence + count > 0x7fffffff) this.#sequence = 1
    const base = this.#sequence
    this.#sequence += count
    for (let place = 0; place < count; place++) {
      messages.setSequence(first + place, base + place)
      if (flags) messages.addFlags(first + place, flags)
    }
    return base
  }

  #send(bytes: Uint8Array): void {
    libc.checked('send netlink message', libc.send(this.fd, bytes, bytes.length, 0), `of ${bytes.length} bytes`)
  }

  /** Reads until `onMessage` returns false, or until nothing is left and `enough` says that this suffices. */
  #receive(onMessage: (message: ReceivedMessage) => boolean, enough: () => boolean = () => false): void {
    for (;;) {
      const length = libc.recv(this.fd, this.#buffer, this.#buffer.length, MSG_DONTWAIT)
      if (length < 0) {
        const errno = libc.lastErrno()
        if (errno === EINTR) continue
        if (errno !== EAGAIN) throw new libc.SystemCallError('receive netlink message', errno)
        if (enough()) return
        waitReadable(this.fd)
        continue
      }
      for (const message of readMessages(this.#buffer.subarray(0, length))) if (!onMessage(message)) return
    }
  }
}

function waitReadable(fd: number): void {
  const entry = new Uint8Array(8)
  const view = new DataView(entry.buffer)
  view.setInt32(0, fd, true)
  view.setInt16(4, 1, true)
  if (libc.checked('poll netlink socket', libc.poll(entry, 1, answerTimeoutMs)) === 0) {
    throw new libc.SystemCallError('receive netlink message', ETIMEDOUT)
  }
}

function setOption(fd: number, level: number, name: number, value: number): boolean {
  return libc.setsockopt(fd, level, name, new Uint8Array(Uint32Array.of(value).buffer), 4) === 0
}

/** The refusal in an NLMSG_ERROR message; undefined when it is an acknowledgement. */
function readError(message: ReceivedMessage, index: number): NetlinkError | undefined {
  const errno = -message.body.readInt32LE(0)
  if (errno === 0) return undefined
  if (!(message.flags & NLM_F_ACK_TLVS)) return new NetlinkError(errno, index, undefined, undefined)
  // Behind the error stands the refused message: only its header when capped.
  const repeated = message.flags & NLM_F_CAPPED ? 16 : (message.body.readUInt32LE(4) + 3) & ~3
  const attributes = readAttributes(message.body, 4 + repeated)
  const text = attributes.get(NLMSGERR_ATTR_MSG)
  return new NetlinkError(
    errno,
    index,
    text && attributeText(text),
    attributes.get(NLMSGERR_ATTR_OFFS)?.readUInt32LE(0),
  )
}

function extendedText(body: Buffer, offset: number): string | undefined {
  const text = readAttributes(body, offset).get(NLMSGERR_ATTR_MSG)
  return text && attributeText(text)
}

function throwIfError(message: ReceivedMessage): void {
  if (message.type !== nlmsgType.error) return
  const error = readError(message, 0)
  if (error) throw error
}
