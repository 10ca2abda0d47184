/**
 * Datagrams in batches: one recvmmsg and one sendmmsg for up to 64 of them, in memory that is laid out once. Nothing is
 * allocated per datagram. The structures are those of LP64 Linux (x86-64 and arm64 agree).
 */
import koffi from 'koffi'
import * as libc from './libc.ts'

const library = koffi.load('libc.so.6')
const recvmmsg = library.func(
  'int recvmmsg(int fd, uint8_t *headers, unsigned int count, int flags, void *timeout)',
) as (fd: number, headers: Uint8Array, count: number, flags: number, timeout: null) => number
const sendmmsg = library.func('int sendmmsg(int fd, uint8_t *headers, unsigned int count, int flags)') as (
  fd: number,
  headers: Uint8Array,
  count: number,
  flags: number,
) => number

const batchSize = 64
/** Longer datagrams are cut, and say so; a query is not longer. */
const slotBytes = 2048
/** A sockaddr_in6 has 28 bytes. */
const nameBytes = 32
const nameWords = nameBytes / 4
/** struct mmsghdr: name, name length, iovec, count, control, control length, flags, length. */
const headerBytes = 64
const headerWords = headerBytes / 4
const iovecBytes = 16
const iovecWords = iovecBytes / 4
const field = { name: 0, nameLength: 8, iovec: 16, iovecCount: 24 } as const
const word = { nameLength: 2, flags: 12, length: 14 } as const

const MSG_DONTWAIT = 0x40
const MSG_TRUNC = 0x20
const SOL_SOCKET = 1
const SO_SNDBUF = 7
const SO_RCVBUF = 8
const SO_SNDBUFFORCE = 32
const SO_RCVBUFFORCE = 33
const socketBufferBytes = 8 * 1024 * 1024
const POLLOUT = 4
const sendPatienceMs = 20

/** Where an answer goes that is given later: the socket address as the kernel wrote it. */
export type Peer = Uint32Array

/** One of each per socket. Indexes run from 0 to what the last `receive` returned. */
export class DatagramBatch {
  /** What was received: datagram `index` begins at `index * slotBytes`. Valid until the next `receive`. */
  readonly bytes: Buffer
  readonly slotBytes = slotBytes
  readonly #fd: number
  readonly #in: Arena
  readonly #out: Arena
  #waiting = 0

  constructor(fd: number) {
    this.#fd = fd
    this.#in = makeArena()
    this.#out = makeArena()
    this.bytes = this.#in.data
    setBuffer(fd, SO_RCVBUFFORCE, SO_RCVBUF)
    setBuffer(fd, SO_SNDBUFFORCE, SO_SNDBUF)
  }

  /** How many datagrams came in, 0 when none wait. */
  receive(): number {
    const { headers, words } = this.#in
    for (let index = 0; index < batchSize; index++) words[index * headerWords + word.nameLength] = nameBytes
    const count = recvmmsg(this.#fd, headers, batchSize, MSG_DONTWAIT, null)
    if (count >= 0) return count
    const errno = libc.lastErrno()
    // what an earlier datagram met on its way (ICMP) is told here, once
    if (errno !== libc.errnoOf['EBADF'] && errno !== libc.errnoOf['EFAULT']) return 0
    throw new libc.SystemCallError('receive datagrams', errno)
  }

  lengthOf(index: number): number {
    return this.#in.words[index * headerWords + word.length]!
  }

  isCut(index: number): boolean {
    return (this.#in.words[index * headerWords + word.flags]! & MSG_TRUNC) !== 0
  }

  /** The sender's IPv4 address in network order, as a number that is only good as a key; 0 for IPv6. */
  ipv4KeyOf(index: number): number {
    const { names } = this.#in
    return (names[index * nameWords]! & 0xffff) === 2 ? names[index * nameWords + 1]! : 0
  }

  /** A copy of the sender's address. */
  peerOf(index: number): Peer {
    return this.#in.names.slice(index * nameWords, (index + 1) * nameWords)
  }

  /**
   * Begins the answer to datagram `index`: copies `answer` and returns where it lies in `outgoing`, for patching until
   * `flush`. Sends what waits when there is no room.
   */
  reply(index: number, answer: Uint8Array): number {
    return this.#put(this.#in.names, index * nameWords, answer)
  }

  replyLater(peer: Peer, answer: Uint8Array): void {
    this.#put(peer, 0, answer)
  }

  get outgoing(): Buffer {
    return this.#out.data
  }

  #put(names: Uint32Array, at: number, answer: Uint8Array): number {
    if (this.#waiting === batchSize) this.flush()
    const slot = this.#waiting++
    const out = this.#out
    const to = slot * nameWords
    for (let offset = 0; offset < nameWords; offset++) out.names[to + offset] = names[at + offset]!
    out.words[slot * headerWords + word.nameLength] = (out.names[to]! & 0xffff) === 2 ? 16 : 28
    out.iovecs[slot * iovecWords + 2] = answer.length
    out.data.set(answer, slot * slotBytes)
    return slot * slotBytes
  }

  /** Sends every answer begun. @returns how many could not be sent (no route, or no room for 20 ms) */
  flush(): number {
    const { headers } = this.#out
    let lost = 0
    for (let sent = 0; sent < this.#waiting;) {
      const rest = sent === 0 ? headers : headers.subarray(sent * headerBytes)
      const count = sendmmsg(this.#fd, rest, this.#waiting - sent, MSG_DONTWAIT)
      if (count > 0) sent += count
      else if (libc.lastErrno() !== libc.errnoOf['EAGAIN'] || !waitForRoom(this.#fd)) {
        sent++
        lost++
      }
    }
    this.#waiting = 0
    return lost
  }
}

interface Arena {
  readonly headers: Uint8Array
  readonly words: Uint32Array
  readonly names: Uint32Array
  readonly iovecs: Uint32Array
  readonly data: Buffer
}

/** Memory of this size lies outside the heap, so its addresses stay. */
function makeArena(): Arena {
  const memory = new ArrayBuffer(batchSize * (headerBytes + nameBytes + iovecBytes + slotBytes))
  const base = koffi.address(new Uint8Array(memory))
  const at = { names: batchSize * headerBytes, iovecs: batchSize * (headerBytes + nameBytes), data: 0 }
  at.data = at.iovecs + batchSize * iovecBytes
  const view = new DataView(memory)
  for (let index = 0; index < batchSize; index++) {
    const header = index * headerBytes
    const iovec = at.iovecs + index * iovecBytes
    view.setBigUint64(header + field.name, base + BigInt(at.names + index * nameBytes), true)
    view.setUint32(header + field.nameLength, nameBytes, true)
    view.setBigUint64(header + field.iovec, base + BigInt(iovec), true)
    view.setBigUint64(header + field.iovecCount, 1n, true)
    view.setBigUint64(iovec, base + BigInt(at.data + index * slotBytes), true)
    view.setBigUint64(iovec + 8, BigInt(slotBytes), true)
  }
  return {
    headers: new Uint8Array(memory, 0, batchSize * headerBytes),
    words: new Uint32Array(memory, 0, batchSize * headerWords),
    names: new Uint32Array(memory, at.names, batchSize * nameWords),
    iovecs: new Uint32Array(memory, at.iovecs, batchSize * iovecWords),
    data: Buffer.from(memory, at.data, batchSize * slotBytes),
  }
}

/** As much as may be had: without privilege the system's own limit applies. */
function setBuffer(fd: number, forced: number, plain: number): void {
  const size = new Uint8Array(Uint32Array.of(socketBufferBytes).buffer)
  if (libc.setsockopt(fd, SOL_SOCKET, forced, size, 4) < 0) {
    libc.checked('set socket buffer', libc.setsockopt(fd, SOL_SOCKET, plain, size, 4))
  }
}

function waitForRoom(fd: number): boolean {
  const entry = new Uint8Array(8)
  const view = new DataView(entry.buffer)
  view.setInt32(0, fd, true)
  view.setInt16(4, POLLOUT, true)
  return libc.poll(entry, 1, sendPatienceMs) > 0
}
