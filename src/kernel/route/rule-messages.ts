/** Routing by packet mark: a rule and a table of its own with one default route. Layouts: linux/fib_rules.h. */
import { parseIp } from '#lib/ip.ts'
import { type MessageWriter, nlmsgFlag } from '../netlink/message.ts'

const RTM = { newRoute: 24, newRule: 32 } as const
const RTA = { gateway: 5, table: 15 } as const
const FRA = { priority: 6, mark: 10, table: 15 } as const
const familyNumber = { IPv4: 2, IPv6: 10 } as const
const FR_ACT_TO_TBL = 1
const RTPROT_STATIC = 4
const RTN_UNICAST = 1

/** Packets of the family of `via` with `mark` go there. `mark` is also the table's number; EEXIST means that it is so. */
export function addMarkRoute(writer: MessageWriter, mark: number, via: string, priority: number): void {
  const gateway = parseIp(via)
  if (!gateway) throw new Error(`Cannot read an address: ${JSON.stringify(via)}`)
  const family = familyNumber[gateway.family]
  writer.message(RTM.newRoute, nlmsgFlag.create | nlmsgFlag.replace)
  writer.u8(family).u8(0).u8(0).u8(0).u8(0).u8(RTPROT_STATIC).u8(0).u8(RTN_UNICAST).u32(0)
  writer.attrBytes(RTA.gateway, gateway.bytes).attr32(RTA.table, mark)
  writer.message(RTM.newRule, nlmsgFlag.create | nlmsgFlag.exclusive)
  writer.u8(family).u8(0).u8(0).u8(0).u8(0).u8(0).u8(0).u8(FR_ACT_TO_TBL).u32(0)
  writer.attr32(FRA.priority, priority).attr32(FRA.mark, mark).attr32(FRA.table, mark)
}
