/** What the namespace thread can do. All synchronous; run by namespace-worker.ts, called through the broker. */
import { chmodSync, mkdirSync, rmSync } from 'node:fs'
import type { AddressPlan, NodeAddresses } from '#lib/address-plan.ts'
import { clusterPaths, type ClusterPaths } from './cluster-paths.ts'
import { boundTcpSocket, boundUdpSocket } from './bound-socket.ts'
import { checked, close, errnoOf, socket } from './libc.ts'
import { isNetlinkError } from './netlink/socket.ts'
import { ensureNetns, ensureUtsAndIpc, inNetns, openPath, releaseNamespace, type ThreadHome } from './namespaces.ts'
import {
  desiredHostAccess,
  desiredNode,
  desiredPod,
  desiredPodLink,
  desiredUnderlay,
  desiredUnderlayPort,
  podRoutes,
  type DesiredNetns,
} from './route/desired-network.ts'
import { applyNetwork, removeLink, removeRoutes } from './route/apply-network.ts'
import type { ContainerLaunch } from './sandbox/container-launch.ts'
import { launchContainer } from './sandbox/launch-container.ts'

const AF_INET = 2
const AF_INET6 = 10
const AF_NETLINK = 16
const SOCK_STREAM = 1
const SOCK_RAW = 3
const socketFlags = 0x800 | 0x80000 // non-blocking, close-on-exec

export interface PodSandbox {
  readonly uid: string
  readonly hostname: string
  /** Absent: the pod uses its node's network. */
  readonly ip?: string
  /** Only beside `ip`. */
  readonly ip6?: string
  readonly node: number
}

export function namespaceOperations(home: ThreadHome, runDir: string) {
  const paths = clusterPaths(runDir)
  const within = <T>(netns: string, run: () => T): T => inNetns(home, netns, run)
  const apply = (desired: DesiredNetns): void => {
    const opened: number[] = []
    const openPeer = (path: string) => {
      const fd = openPath(path)
      opened.push(fd)
      return { fd }
    }
    try {
      within(desired.path, () => applyNetwork(desired, openPeer))
    } finally {
      opened.forEach((fd) => close(fd))
    }
  }
  return {
    openNetlink: (netns: string, protocol: number): number =>
      within(netns, () => checked('open netlink socket', socket(AF_NETLINK, SOCK_RAW | socketFlags, protocol))),
    openTcpListener: (netns: string, address: string, port: number): number =>
      within(netns, () => boundTcpSocket({ address, port })),
    openUdpSocket: (netns: string, address: string, port: number): number =>
      within(netns, () => boundUdpSocket({ address, port })),
    openSharedUdpSocket: (netns: string, address: string, port: number): number =>
      within(netns, () => boundUdpSocket({ address, port, isShared: true })),
    openTcpSockets: (netns: string, family: 'IPv4' | 'IPv6', count: number): number[] =>
      within(netns, () => openSockets(family === 'IPv4' ? AF_INET : AF_INET6, count)),
    ensureUnderlay: (plan: AddressPlan): string => {
      ensureNetns(home, paths.underlay)
      apply(desiredUnderlay(plan, paths.underlay))
      return paths.underlay
    },
    ensureNodeNetwork: (plan: AddressPlan, node: NodeAddresses, nodes: readonly NodeAddresses[]): string => {
      const netns = paths.node(node.number)
      ensureNetns(home, netns)
      apply(desiredNode(plan, node, { netns, underlay: paths.underlay }, nodes))
      apply(desiredUnderlayPort(plan, node, paths.underlay))
      return netns
    },
    ensureHostAccess: (plan: AddressPlan, nodes: readonly NodeAddresses[]): void => {
      const host = `/proc/${process.pid}/ns/net`
      const desired = desiredHostAccess(plan, nodes, { host, underlay: paths.underlay })
      const links = desired.host.links.map((link) => ({ ...link, addresses: [] }))
      const join = () => {
        apply({ ...desired.host, links, routes: [], neighbours: [] })
        apply(desired.underlay)
      }
      try {
        join()
      } catch (error) {
        if (!isNetlinkError(error, errnoOf.ENODEV ?? 19)) throw error
        // A link of that name leads elsewhere: what a cluster with these addresses has left, which the kernel is removing.
        within(host, () => links.forEach(({ index }) => removeLink(index)))
        join()
      }
      apply(desired.host)
    },
    ensurePodSandbox: (sandbox: PodSandbox): void => ensurePodSandbox(home, paths, sandbox, apply),
    removePodSandbox: (sandbox: Pick<PodSandbox, 'uid' | 'ip' | 'ip6' | 'node'>): void => {
      if (sandbox.ip !== undefined) {
        // Deleting the link itself would block for tens of milliseconds; it goes with the namespace, by itself.
        within(paths.node(sandbox.node), () => removeRoutes(podRoutes(sandbox.ip!, sandbox.ip6)))
        releaseNamespace(paths.pod(sandbox.uid))
      }
      releaseNamespace(paths.uts(sandbox.uid))
      releaseNamespace(paths.ipc(sandbox.uid))
      rmSync(paths.shm(sandbox.uid), { recursive: true, force: true })
      rmSync(paths.memory(sandbox.uid), { recursive: true, force: true })
    },
    launchContainer: (launch: ContainerLaunch) => launchContainer(home, launch),
  }
}

export type NamespaceOperations = ReturnType<typeof namespaceOperations>

function ensurePodSandbox(
  home: ThreadHome,
  paths: ClusterPaths,
  { uid, hostname, ip, ip6, node }: PodSandbox,
  apply: (desired: DesiredNetns) => void,
): void {
  const pod = paths.pod(uid)
  // First: who is killed in between and finds it missing has nothing to clean up.
  if (ip !== undefined) ensureNetns(home, pod)
  ensureUtsAndIpc(home, { uts: paths.uts(uid), ipc: paths.ipc(uid), hostname })
  mkdirSync(paths.shm(uid), { recursive: true })
  chmodSync(paths.shm(uid), 0o1777)
  if (ip === undefined) return
  apply(desiredPodLink(ip, { node: paths.node(node), pod }, ip6))
  apply(desiredPod(ip, pod, ip6))
}

function openSockets(family: number, count: number): number[] {
  return Array.from({ length: count }, () => checked('open socket', socket(family, SOCK_STREAM | socketFlags, 0)))
}
