/** Routing by packet mark: a rule and a table of its own with one default route. Layouts: linux/fib_rules.h. */
import { parseIp } from '#lib/ip.ts'
import { type MessageWriter, nlmsgFlag } from '../netlink/message.ts'

const RTM = { newRoute: 24, newRule: 32 } as const
const RTA = { gateway: 5, table: 15 } as const
const FRA = { priority: 6, mark: 10, table: 15 } as const
const AF_INET = 2
const FR_ACT_TO_TBL = 1
const RTPROT_STATIC = 4
const RTN_UNICAST = 1

/** Packets with `mark` go to `via`. `mark` is also the table's number; two messages, EEXIST means that it is so. */
export function addMarkRoute(writer: MessageWriter, mark: number, via: string, priority: number): void {
  const gateway = parseIp(via)
  if (gateway?.family !== 'IPv4') throw new Error(`Cannot read an IPv4 address: ${JSON.stringify(via)}`)
  writer.message(RTM.newRoute, nlmsgFlag.create | nlmsgFlag.replace)
  writer.u8(AF_INET).u8(0).u8(0).u8(0).u8(0).u8(RTPROT_STATIC).u8(0).u8(RTN_UNICAST).u32(0)
  writer.attrBytes(RTA.gateway, gateway.bytes).attr32(RTA.table, mark)
  writer.message(RTM.newRule, nlmsgFlag.create | nlmsgFlag.exclusive)
  writer.u8(AF_INET).u8(0).u8(0).u8(0).u8(0).u8(0).u8(0).u8(FR_ACT_TO_TBL).u32(0)
  writer.attr32(FRA.priority, priority).attr32(FRA.mark, mark).attr32(FRA.table, mark)
}
