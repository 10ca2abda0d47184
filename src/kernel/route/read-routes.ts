/** The routes of a network namespace's main table, as far as this code writes such. */
import { formatCidr, formatIp, type IpFamily } from '#lib/ip.ts'
import { MessageWriter, readAttributes } from '../netlink/message.ts'
import type { Netlink } from '../netlink/socket.ts'

const RTM = { getRoute: 26 } as const
const RTA = { destination: 1, gateway: 5 } as const
const RT_TABLE_MAIN = 254
const RTPROT_STATIC = 4
const familyNumber = { IPv4: 2, IPv6: 10 } as const
const headerLength = 12

export interface GatewayRoute {
  readonly to: string
  readonly via: string
}

/** Routes of one family through a gateway that `addRoute` made. */
export function readGatewayRoutes(socket: Netlink, family: IpFamily): GatewayRoute[] {
  const message = new MessageWriter()
  message.message(RTM.getRoute).u8(familyNumber[family]).u8(0).u8(0).u8(0).u8(0).u8(0).u8(0).u8(0).u32(0)
  const routes: GatewayRoute[] = []
  socket.dump(message, ({ body }) => {
    const [number, prefixLength, , , table, protocol] = body
    if (number !== familyNumber[family] || table !== RT_TABLE_MAIN || protocol !== RTPROT_STATIC) return
    const attributes = readAttributes(body, headerLength)
    const [destination, gateway] = [attributes.get(RTA.destination), attributes.get(RTA.gateway)]
    if (!destination || !gateway || prefixLength === undefined) return
    const address = (bytes: Buffer) => ({ family, bytes: Uint8Array.from(bytes) })
    routes.push({ to: formatCidr({ base: address(destination), prefixLength }), via: formatIp(address(gateway)) })
  })
  return routes
}
