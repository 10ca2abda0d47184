/** The underlay of a one-machine cluster as the load balancer's network: a route for each address. */
import { connectInNetns } from '#kernel/connect-in-netns.ts'
import { close, errnoOf, SystemCallError } from '#kernel/libc.ts'
import type { NamespaceBroker } from '#kernel/namespace-broker.ts'
import { MessageWriter } from '#kernel/netlink/message.ts'
import { netlinkFrom, netlinkProtocol } from '#kernel/netlink/socket.ts'
import { readGatewayRoutes } from '#kernel/route/read-routes.ts'
import { addRoute, deleteRoute } from '#kernel/route/route-messages.ts'
import { type AddressPool, poolContains } from '#lib/address-pool.ts'
import type { IpFamily } from '#lib/ip.ts'
import { openFlowMemory } from './apply-flow-memory.ts'
import type { LoadBalancerNetwork } from './network.ts'
import { familyOf } from './select-wishes.ts'

export interface UnderlayOptions {
  readonly broker: NamespaceBroker
  /** Path of the underlay's network namespace. */
  readonly underlay: string
  /** The underlay's own addresses, from which connections go out: one of each family of the pools. */
  readonly addresses: readonly string[]
  readonly pools: readonly AddressPool[]
}

const { ESRCH = 3, ECONNREFUSED = 111 } = errnoOf
const readySockets = 8
const hostLength: Readonly<Record<IpFamily, number>> = { IPv4: 32, IPv6: 128 }
const hostRoute = (ip: string): string => `${ip}/${hostLength[familyOf(ip)]}`

export async function openUnderlay(options: UnderlayOptions): Promise<LoadBalancerNetwork & Disposable> {
  const { broker, underlay, addresses, pools } = options
  const socket = netlinkFrom(await broker.openNetlink(underlay, netlinkProtocol.route))
  const rules = netlinkFrom(await broker.openNetlink(underlay, netlinkProtocol.netfilter))
  const open = (family: IpFamily) => ({
    flows: openFlowMemory(family, rules, socket),
    sockets: new ReadySockets(() => broker.openTcpSockets(underlay, family, readySockets)),
    address: addresses.find((address) => familyOf(address) === family) ?? '',
  })
  const families = new Set(pools.map(({ family }) => family))
  const parts = new Map([...families].map((family) => [family, open(family)]))
  const partsFor = (ip: string) => {
    const found = parts.get(familyOf(ip))
    if (!found) throw new Error(`Cannot lead ${ip}: no pool has addresses of its family`)
    return found
  }
  const routes = new Map<string, string>()
  for (const { to, via } of [...families].flatMap((family) => readGatewayRoutes(socket, family))) {
    const [ip = ''] = to.split('/')
    if (to === hostRoute(ip) && pools.some((pool) => poolContains(pool, ip))) routes.set(ip, via)
  }
  const write = (describe: (writer: MessageWriter) => void): void => {
    const writer = new MessageWriter()
    describe(writer)
    socket.request(writer, { tolerate: [ESRCH] })
  }
  // An address that no Service has is refused here: it must not go round between the nodes' default routes and us.
  write((writer) => {
    for (const to of pools.flatMap(({ cidrs }) => cidrs)) addRoute(writer, { to, unreachable: true })
  })
  return {
    dialsFrom: (ip) => partsFor(ip).address,
    viaOf: (ip) => routes.get(ip),
    announced: () => [...routes.keys()],
    announce: (ip, via) => {
      const before = routes.get(ip)
      // Also when the way is known: an earlier run may not have remembered flows.
      partsFor(ip).flows.lead(ip, via)
      if (before === via) return
      if (via !== undefined) write((writer) => addRoute(writer, { to: hostRoute(ip), via }))
      else write((writer) => deleteRoute(writer, { to: hostRoute(ip), via: before! }))
      if (via === undefined) routes.delete(ip)
      else routes.set(ip, via)
    },
    dial: async (ip, port, signal) => {
      try {
        const target = { netns: underlay, address: ip, port }
        const connection = await connectInNetns(partsFor(ip).sockets, target, signal)
        connection.destroy()
        return 'connected'
      } catch (error) {
        if (error instanceof SystemCallError && error.errno === ECONNREFUSED) return 'refused'
        throw error
      }
    },
    [Symbol.dispose]: () => {
      socket.close()
      rules.close()
      for (const { sockets } of parts.values()) sockets.close()
    },
  }
}

/** Sockets opened ahead: the thread that opens them may be busy just when one is needed. */
class ReadySockets {
  readonly #open: () => Promise<number[]>
  readonly #ready: number[] = []
  #filling: Promise<void> | undefined
  #isClosed = false

  constructor(open: () => Promise<number[]>) {
    this.#open = open
    this.#fill().catch(() => {})
  }

  async openTcpSockets(): Promise<number[]> {
    for (;;) {
      if (this.#isClosed) throw new Error('Cannot open a socket: the load balancer has ended')
      const fd = this.#ready.pop()
      // a failure here is met again, and reported, by whoever finds none
      if (fd === undefined) await this.#fill()
      else if (this.#ready.length < readySockets / 2) this.#fill().catch(() => {})
      if (fd !== undefined) return [fd]
    }
  }

  close(): void {
    this.#isClosed = true
    this.#ready.splice(0).forEach((fd) => close(fd))
  }

  #fill(): Promise<void> {
    this.#filling ??= this.#open()
      .then((opened) => {
        if (this.#isClosed) opened.forEach((fd) => close(fd))
        else this.#ready.push(...opened)
      })
      .finally(() => (this.#filling = undefined))
    return this.#filling
  }
}
