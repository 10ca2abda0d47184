/** The routes of a network namespace's main table, as far as this code writes such. */
import { formatCidr, type IpAddress } from '#lib/ip.ts'
import { MessageWriter, readAttributes } from '../netlink/message.ts'
import type { Netlink } from '../netlink/socket.ts'

const RTM = { getRoute: 26 } as const
const RTA = { destination: 1, gateway: 5 } as const
const RT_TABLE_MAIN = 254
const RTPROT_STATIC = 4
const AF_INET = 2
const headerLength = 12

export interface GatewayRoute {
  readonly to: string
  readonly via: string
}

/** IPv4 routes through a gateway that `addRoute` made. */
export function readGatewayRoutes(socket: Netlink): GatewayRoute[] {
  const message = new MessageWriter()
  message.message(RTM.getRoute).u8(AF_INET).u8(0).u8(0).u8(0).u8(0).u8(0).u8(0).u8(0).u32(0)
  const routes: GatewayRoute[] = []
  socket.dump(message, ({ body }) => {
    const [family, prefixLength, , , table, protocol] = body
    if (family !== AF_INET || table !== RT_TABLE_MAIN || protocol !== RTPROT_STATIC) return
    const attributes = readAttributes(body, headerLength)
    const [destination, gateway] = [attributes.get(RTA.destination), attributes.get(RTA.gateway)]
    if (!destination || !gateway || prefixLength === undefined) return
    const base: IpAddress = { family: 'IPv4', bytes: Uint8Array.from(destination) }
    routes.push({ to: formatCidr({ base, prefixLength }), via: gateway.join('.') })
  })
  return routes
}
