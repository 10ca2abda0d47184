/** Sockets that already are in the underlay's network namespace, kept ready: a connection then waits for nobody. */
import type { NamespaceBroker } from '#kernel/namespace-broker.ts'
import { close } from '#kernel/libc.ts'
import type { IpFamily } from '#lib/ip.ts'

export interface TargetSockets {
  /** An unconnected TCP socket; the caller closes it. */
  takeTcp(family: IpFamily): Promise<number>
  /** A UDP socket with a port of its own. */
  openUdp(family: IpFamily): Promise<number>
}

const poolSize = 32
const refillBelow = poolSize / 2
const anyAddress = { IPv4: '0.0.0.0', IPv6: '::' } as const

export function openTargetSockets(broker: NamespaceBroker, underlay: string): TargetSockets & Disposable {
  const open = (family: IpFamily) => new SocketPool(() => broker.openTcpSockets(underlay, family, poolSize))
  // Nothing is opened before somebody asks for one of the family.
  const pools = { IPv4: open('IPv4'), IPv6: open('IPv6') }
  return {
    takeTcp: (family) => pools[family].take(),
    openUdp: (family) => broker.openUdpSocket(underlay, anyAddress[family], 0),
    [Symbol.dispose]: () => {
      pools.IPv4.close()
      pools.IPv6.close()
    },
  }
}

class SocketPool {
  readonly #open: () => Promise<number[]>
  readonly #ready: number[] = []
  #refill: Promise<void> | undefined
  #isClosed = false

  constructor(open: () => Promise<number[]>) {
    this.#open = open
  }

  async take(): Promise<number> {
    for (;;) {
      const fd = this.#ready.pop()
      // a failure here is met again, and reported, by whoever finds the pool empty
      if (this.#ready.length < refillBelow && fd !== undefined) this.#refilled().catch(() => {})
      if (fd !== undefined) return fd
      if (this.#isClosed) throw new Error('Cannot open a socket: host access has ended')
      await this.#refilled()
    }
  }

  close(): void {
    this.#isClosed = true
    this.#ready.splice(0).forEach((fd) => close(fd))
  }

  #refilled(): Promise<void> {
    return (this.#refill ??= this.#fill().finally(() => (this.#refill = undefined)))
  }

  async #fill(): Promise<void> {
    const opened = await this.#open()
    if (this.#isClosed) opened.forEach((fd) => close(fd))
    else this.#ready.push(...opened)
  }
}
