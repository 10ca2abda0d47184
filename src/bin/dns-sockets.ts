/**
 * The sockets of cluster DNS. The control plane opens them, hands them to the edge process, and keeps them open beside it:
 * what is asked while one edge follows another waits in them. See docs/decisions/0014-dns-sockets.md.
 */
import { availableParallelism } from 'node:os'
import { clusterPaths } from '#kernel/cluster-paths.ts'
import { close } from '#kernel/libc.ts'
import { copyFdFrom, openPidfd } from '#kernel/libc-process.ts'
import type { NamespaceBroker } from '#kernel/namespace-broker.ts'
import type { ProcessIdentity } from '#kernel/process-identity.ts'
import { firstInheritedFd } from '#kernel/start-detached.ts'
import type { AddressPlan } from '#lib/address-plan.ts'

const dnsPort = 53

/** One for each processor; besides there is one of TCP. */
export const udpSocketCount = (): number => availableParallelism()

export interface DnsSockets {
  readonly tcpFd: number
  readonly udpFds: readonly number[]
}

export async function openDnsSockets(broker: NamespaceBroker, runDir: string, plan: AddressPlan): Promise<DnsSockets> {
  const { underlay } = clusterPaths(runDir)
  const { controlPlaneIp } = plan
  const udp = Array.from({ length: udpSocketCount() }, () =>
    broker.openSharedUdpSocket(underlay, controlPlaneIp, dnsPort),
  )
  return { tcpFd: await broker.openTcpListener(underlay, controlPlaneIp, dnsPort), udpFds: await Promise.all(udp) }
}

/** As `startDetached` numbers them. */
export const inheritedOf = ({ tcpFd, udpFds }: DnsSockets): number[] => [tcpFd, ...udpFds]

/** Of an edge process that was started with so many, in that process itself. */
export function ownDnsSockets(udpSockets: number): DnsSockets {
  const udpFds = Array.from({ length: udpSockets }, (_, index) => firstInheritedFd + 1 + index)
  return { tcpFd: firstInheritedFd, udpFds }
}

/** Copies of those of an edge process that somebody else started. */
export function copyDnsSockets(edge: ProcessIdentity, udpSockets: number): DnsSockets {
  const { tcpFd, udpFds } = ownDnsSockets(udpSockets)
  const pidfd = openPidfd(edge.pid)
  try {
    return { tcpFd: copyFdFrom(pidfd, tcpFd), udpFds: udpFds.map((fd) => copyFdFrom(pidfd, fd)) }
  } finally {
    close(pidfd)
  }
}
