/**
 * The UDP sockets of one server, all on the same place: the kernel spreads what comes among them. The main thread reads
 * those that no thread of its own reads, so whatever comes in is read at any time.
 */
import { closeAll } from '#kernel/libc-process.ts'
import type { UdpServer } from './serve-udp.ts'

export class UdpSockets implements Disposable {
  readonly #serve: (fd: number) => UdpServer
  /** Not read yet. */
  #waiting: readonly number[]
  /** By descriptor; the first one is never lent. */
  readonly #read = new Map<number, UdpServer>()
  #isClosed = false

  constructor(fds: readonly number[], serve: (fd: number) => UdpServer) {
    this.#serve = serve
    this.#waiting = fds
  }

  begin(): void {
    for (const fd of this.#waiting) this.#read.set(fd, this.#serve(fd))
    this.#waiting = []
  }

  /** A socket to be read by another thread; undefined when there is none to spare. */
  lend(): number | undefined {
    if (this.#isClosed || this.#read.size < 2) return undefined
    const [fd, server] = [...this.#read].at(-1)!
    server.leave()
    this.#read.delete(fd)
    return fd
  }

  /** The thread has ended. */
  takeBack(fd: number): void {
    if (this.#isClosed) closeAll([fd])
    else this.#read.set(fd, this.#serve(fd))
  }

  [Symbol.dispose](): void {
    this.#isClosed = true
    for (const server of this.#read.values()) server[Symbol.dispose]()
    this.#read.clear()
    closeAll(this.#waiting)
  }
}
