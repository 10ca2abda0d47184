/** Sockets that already are in the underlay's network namespace, kept ready: a connection then waits for nobody. */
import type { NamespaceBroker } from '#kernel/namespace-broker.ts'
import { close } from '#kernel/libc.ts'

export interface TargetSockets {
  /** An unconnected TCP socket; the caller closes it. */
  takeTcp(): Promise<number>
  /** A UDP socket with a port of its own. */
  openUdp(): Promise<number>
}

const poolSize = 32
const refillBelow = poolSize / 2

export function openTargetSockets(broker: NamespaceBroker, underlay: string): TargetSockets & Disposable {
  const ready: number[] = []
  let refill: Promise<void> | undefined
  let isClosed = false

  const fill = async (): Promise<void> => {
    const opened = await broker.openTcpSockets(underlay, 'IPv4', poolSize)
    if (isClosed) opened.forEach((fd) => close(fd))
    else ready.push(...opened)
  }
  const refilled = (): Promise<void> => (refill ??= fill().finally(() => (refill = undefined)))

  return {
    takeTcp: async () => {
      for (;;) {
        const fd = ready.pop()
        // a failure here is met again, and reported, by whoever finds the pool empty
        if (ready.length < refillBelow && fd !== undefined) refilled().catch(() => {})
        if (fd !== undefined) return fd
        if (isClosed) throw new Error('Cannot open a socket: host access has ended')
        await refilled()
      }
    },
    openUdp: () => broker.openUdpSocket(underlay, '0.0.0.0', 0),
    [Symbol.dispose]: () => {
      isClosed = true
      ready.splice(0).forEach((fd) => close(fd))
    },
  }
}
