/**
 * Real namespaces for the packet suite, laid out by the product's own network code, and real sockets in them. All
 * namespaces are nameless: they end with this process, whatever happens to it.
 */
import dgram from 'node:dgram'
import net from 'node:net'
import { bind, checked, close, open, setns, setsockopt, socket, unshare } from '#kernel/libc.ts'
import { inNetns, settleThread, CLONE_NEWNET, type ThreadHome } from '#kernel/namespaces.ts'
import { socketAddress } from '#kernel/socket-address.ts'
import { MessageWriter } from '#kernel/netlink/message.ts'
import { netlinkProtocol, openNetlink } from '#kernel/netlink/socket.ts'
import { applyNetwork } from '#kernel/route/apply-network.ts'
import {
  desiredHostAccess,
  desiredNode,
  desiredPod,
  desiredPodLink,
  desiredUnderlay,
  desiredUnderlayPort,
  type DesiredNetns,
} from '#kernel/route/desired-network.ts'
import { addAddress, deleteAddress } from '#kernel/route/route-messages.ts'
import type { IpFamily } from '#lib/ip.ts'
import type { Protocol } from '../backend.ts'
import { serveSctp } from './open-sctp.ts'
import { keptPort, nodeNames, nodePorts, nodes, plan, podNames, podPorts, pods, type Party } from './packet-case.ts'
import { IPPROTO_SCTP } from './sctp-packet.ts'
import { netnsOf } from './translate-to-ipv6.ts'

const addressFamily = { IPv4: 2, IPv6: 10 } as const
const SOCK_STREAM = 1
const SOCK_DGRAM = 2
const SOCK_RAW = 3
const socketFlags = 0x800 | 0x80000 // non-blocking, close-on-exec
const SOL_SOCKET = 1
const SO_REUSEADDR = 2
const loopbackIndex = 1

const testSysctls = {
  // A server keeps its closed connections for a minute and may refuse a client that comes masqueraded by the same
  // port as another one before: not so here, where thousands of connections are made in seconds.
  'ipv4/tcp_max_tw_buckets': '0',
}

export interface TestNetwork extends AsyncDisposable {
  /** A netfilter netlink socket of that party's namespace. */
  openNetfilter(party: Party): number
  /** An unconnected, non-blocking socket in that party's namespace; a raw one for SCTP. */
  openSocket(party: Party, protocol: Protocol): number
  /** Runs synchronous work in that party's namespace. */
  within<T>(party: Party, run: () => T): T
  /** An address more on that party's loopback device, until disposed. */
  lendAddress(party: Party, address: string): Disposable
}

export async function openTestNetwork(family: IpFamily = 'IPv4'): Promise<TestNetwork> {
  const home = settleThread()
  const namespaces = new Map<Party | 'underlay', Namespace>()
  for (const party of ['underlay', 'host', ...nodeNames, ...podNames] as const) namespaces.set(party, makeNetns(home))
  const path = (party: Party | 'underlay') => namespaces.get(party)!.path
  const within = <T>(party: Party | 'underlay', run: () => T): T => inNetns(home, path(party), run)
  buildNetwork(family, home, path)
  const servers = await Promise.all(
    [
      ...podNames.flatMap((pod) => podPorts.map((port) => [pod, port] as const)),
      ...nodeNames.flatMap((node) => nodePorts.map((port) => [node, port] as const)),
    ].flatMap(([party, port]) => [
      serveTcp(
        within(party, () => boundSocket(family, SOCK_STREAM, port)),
        `${party}:${port}`,
      ),
      serveUdp(
        family,
        within(party, () => boundSocket(family, SOCK_DGRAM, port)),
        `${party}:${port}`,
      ),
    ]),
  )
  for (const pod of podNames) {
    const listening = within(pod, () => boundSocket(family, SOCK_STREAM, keptPort))
    servers.push(await serveKeptTcp(listening, `${pod}:${keptPort}`))
  }
  const sctpServers = [...podNames, ...nodeNames].map((party) => {
    const open = () => socket(addressFamily[family], SOCK_RAW | socketFlags, IPPROTO_SCTP)
    const ports = nodeNames.some((node) => node === party) ? nodePorts : podPorts
    return serveSctp(checked('open raw socket', within(party, open)), family, party, ports)
  })
  return {
    within,
    lendAddress: (party, address) => {
      const cidr = `${address}/${family === 'IPv4' ? 32 : 128}`
      const change = (describe: typeof addAddress) =>
        within(party, () => {
          const writer = new MessageWriter()
          describe(writer, loopbackIndex, cidr)
          using socket = openNetlink(netlinkProtocol.route)
          socket.request(writer)
        })
      change(addAddress)
      return { [Symbol.dispose]: () => change(deleteAddress) }
    },
    openNetfilter: (party) => within(party, () => openNetlink(netlinkProtocol.netfilter).fd),
    openSocket: (party, protocol) =>
      within(party, () => {
        const [type, number] = kindOfSocket[protocol]
        return checked('open socket', socket(addressFamily[family], type | socketFlags, number))
      }),
    [Symbol.asyncDispose]: async () => {
      for (const server of sctpServers) server[Symbol.dispose]()
      await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()))
      for (const { fd } of namespaces.values()) close(fd)
    },
  }
}

const kindOfSocket = {
  TCP: [SOCK_STREAM, 0],
  UDP: [SOCK_DGRAM, 0],
  SCTP: [SOCK_RAW, IPPROTO_SCTP],
} as const satisfies Record<Protocol, readonly [number, number]>

interface Namespace {
  readonly fd: number
  readonly path: string
}

function makeNetns(home: ThreadHome): Namespace {
  checked('make a network namespace', unshare(CLONE_NEWNET))
  try {
    const fd = checked('open network namespace', open('/proc/thread-self/ns/net', 0x80000, 0))
    return { fd, path: `/proc/self/fd/${fd}` }
  } finally {
    checked('leave network namespace', setns(home.net, CLONE_NEWNET))
  }
}

function buildNetwork(family: IpFamily, home: ThreadHome, path: (party: Party | 'underlay') => string): void {
  const apply = (wanted: DesiredNetns) => {
    const desired = netnsOf(family, { ...wanted, sysctls: { ...wanted.sysctls, ...testSysctls } })
    const opened: number[] = []
    inNetns(home, desired.path, () =>
      applyNetwork(desired, (peer) => {
        const fd = checked('open network namespace', open(peer, 0x80000, 0))
        opened.push(fd)
        return { fd }
      }),
    )
    for (const fd of opened) close(fd)
  }
  const all = nodeNames.map((name) => nodes[name])
  apply(desiredUnderlay(plan, path('underlay')))
  for (const name of nodeNames) {
    apply(desiredNode(plan, nodes[name], { netns: path(name), underlay: path('underlay') }, all))
    apply(desiredUnderlayPort(plan, nodes[name], path('underlay')))
  }
  const access = desiredHostAccess(plan, all, { host: path('host'), underlay: path('underlay') })
  apply({ ...access.host, routes: [] })
  apply(access.underlay)
  apply(access.host)
  for (const pod of podNames) {
    const { node, ip } = pods[pod]
    apply(desiredPodLink(ip, { node: path(node), pod: path(pod) }))
    apply(desiredPod(ip, path(pod)))
  }
}

function boundSocket(family: IpFamily, type: number, port: number): number {
  const fd = checked('open socket', socket(addressFamily[family], type | socketFlags, 0))
  if (type === SOCK_STREAM)
    checked('set option', setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, Uint8Array.of(1, 0, 0, 0), 4))
  const address = socketAddress(family === 'IPv4' ? '0.0.0.0' : '::', port)
  checked('bind', bind(fd, address, address.length))
  return fd
}

/** Answers each connection with `name seenAddress` and ends it. */
async function serveTcp(fd: number, name: string): Promise<AsyncDisposable> {
  const server = net.createServer((connection) => {
    connection.on('error', () => connection.destroy())
    connection.end(`${name} ${connection.remoteAddress}`)
  })
  await new Promise<void>((resolve) => server.listen({ fd }, resolve))
  return { [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) }
}

/** Answers whatever comes the same way, and leaves the connection open. */
async function serveKeptTcp(fd: number, name: string): Promise<AsyncDisposable> {
  const open = new Set<net.Socket>()
  const server = net.createServer((connection) => {
    open.add(connection)
    connection.on('error', () => connection.destroy()).on('close', () => open.delete(connection))
    connection.on('data', () => connection.write(`${name} ${connection.remoteAddress}`))
  })
  await new Promise<void>((resolve) => server.listen({ fd }, resolve))
  return {
    [Symbol.asyncDispose]: () => {
      for (const connection of open) connection.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

async function serveUdp(family: IpFamily, fd: number, name: string): Promise<AsyncDisposable> {
  const server = dgram.createSocket(family === 'IPv4' ? 'udp4' : 'udp6')
  server.on('message', (_message, { address, port }) => server.send(`${name} ${address}`, port, address))
  server.on('error', () => {})
  await new Promise<void>((resolve) => server.bind({ fd }, resolve))
  return { [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) }
}
