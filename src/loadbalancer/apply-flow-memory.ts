/**
 * Connections stay with the node that took them when their address is led elsewhere. The underlay remembers the node of
 * every flow in an nftables map, from the first packet on; later packets are routed by mark. Without connection tracking,
 * as replies need not come back this way.
 */
import { errnoOf } from '#kernel/libc.ts'
import { MessageWriter } from '#kernel/netlink/message.ts'
import {
  bitwise,
  changeSet,
  compare,
  type Expression,
  hostBytes,
  loadMeta,
  lookup,
  metaKey,
  payload,
  reg,
  storeMeta,
  verdict,
} from '#kernel/netlink/nft-expressions.ts'
import {
  concatenatedType,
  dataType,
  listElements,
  nftFamily,
  NftTransaction,
  setFlag,
  type SetDefinition,
} from '#kernel/netlink/nftables.ts'
import type { Netlink } from '#kernel/netlink/socket.ts'
import { addMarkRoute } from '#kernel/route/rule-messages.ts'
import { ipv4ToNumber, parseIp } from '#lib/ip.ts'

const table = { family: nftFamily.IPv4, table: 'frontdesk-lb' } as const
const { EEXIST = 17 } = errnoOf
const priority = { rules: 100, mangle: -150 } as const
/** A flow that says nothing for so long is taken anew. */
const idleMs = 3_600_000
const ackAndSyn = 0x12
const syn = 0x02
const TCP = 6
const UDP = 17

const sets: readonly SetDefinition[] = [
  {
    name: 'ways',
    flags: setFlag.map,
    keyType: dataType.ipv4,
    keyParts: [4],
    data: { type: dataType.mark, length: 4 },
  },
  {
    name: 'flows',
    flags: setFlag.map | setFlag.timeout | setFlag.eval,
    keyType: concatenatedType(dataType.ipv4, dataType.port, dataType.ipv4, dataType.port, dataType.protocol),
    keyParts: [4, 2, 4, 2, 1],
    data: { type: dataType.mark, length: 4 },
    size: 1 << 18,
  },
]

const node = 12
const destination = payload('network', 16, 4, reg(0))
/** Only for addresses that lead somewhere. */
const isLed = [destination, lookup('ways', reg(0), reg(node))]
const isProtocol = (number: number): Expression[] => [
  loadMeta(metaKey.l4proto, reg(0)),
  compare(reg(0), 'eq', Uint8Array.of(number)),
]
const isFirst = (operation: 'eq' | 'neq'): Expression[] => [
  payload('transport', 13, 1, reg(0)),
  bitwise(reg(0), reg(0), Uint8Array.of(ackAndSyn), Uint8Array.of(0)),
  compare(reg(0), operation, Uint8Array.of(syn)),
]
const flow: readonly Expression[] = [
  payload('network', 12, 4, reg(0)),
  payload('transport', 0, 2, reg(1)),
  payload('network', 16, 4, reg(2)),
  payload('transport', 2, 2, reg(3)),
  loadMeta(metaKey.l4proto, reg(4)),
]
const remember = changeSet('flows', 'update', reg(0), reg(node), idleMs)
const forget = changeSet('flows', 'delete', reg(0), reg(node), 0)
const follow = [...flow, lookup('flows', reg(0), reg(node)), storeMeta(metaKey.mark, reg(node)), remember]
const accept = verdict({ kind: 'accept' })

const leadRules: readonly (readonly Expression[])[] = [
  [...isProtocol(TCP), ...isFirst('neq'), ...isLed, ...follow, accept],
  [...isProtocol(UDP), ...isLed, ...follow, accept],
  // The address and ports of an old connection may come again: what was remembered goes first.
  [...isProtocol(TCP), ...isFirst('eq'), ...isLed, ...flow, forget],
  [...isLed, storeMeta(metaKey.mark, reg(node)), ...flow, remember],
]

export interface FlowMemory {
  /** New flows to the address go to `via`; undefined: the address leads nowhere. */
  lead(ip: string, via: string | undefined): void
}

/** `rules`: a netfilter socket of the namespace; `routes`: a route socket of it. What an earlier run remembers stays. */
export function openFlowMemory(rules: Netlink, routes: Netlink): FlowMemory {
  const transaction = new NftTransaction(table).addTable('which node has which connection to a load balancer')
  sets.forEach((set, index) => transaction.addSet(set, index + 1))
  transaction.addChain('lead').addChain('forwarded', { type: 'filter', hook: 'prerouting', priority: priority.mangle })
  transaction.addChain('own', { type: 'route', hook: 'output', priority: priority.mangle })
  for (const chain of ['lead', 'forwarded', 'own']) transaction.flushChain(chain)
  for (const rule of leadRules) transaction.addRule('lead', rule)
  for (const chain of ['forwarded', 'own']) transaction.addRule(chain, [verdict({ kind: 'jump', chain: 'lead' })])
  transaction.commit(rules)
  const ways = new Map<string, number>()
  listElements(rules, { ...table, name: 'ways' }, ({ key, data }) => {
    if (data) ways.set(key.join('.'), data.readUInt32LE(0))
  })
  const routed = new Set<number>()
  return {
    lead: (ip, via) => {
      const before = ways.get(ip)
      const now = via === undefined ? undefined : markOf(via)
      if (now !== undefined && !routed.has(now)) {
        const writer = new MessageWriter()
        addMarkRoute(writer, now, via!, priority.rules)
        routes.request(writer, { tolerate: [EEXIST] })
        routed.add(now)
      }
      if (before === now) return
      const change = new NftTransaction(table)
      if (before !== undefined) writeWay(change, ip, undefined)
      if (now !== undefined) writeWay(change, ip, now)
      change.commit(rules)
      if (now === undefined) ways.delete(ip)
      else ways.set(ip, now)
    },
  }
}

/** Far from the kernel's own table numbers; nodes of one underlay differ in the last two bytes. */
const markOf = (via: string): number => 0x1_0000 + (ipv4ToNumber(via) & 0xffff)

function writeWay(transaction: NftTransaction, ip: string, mark: number | undefined): void {
  const { writer } = transaction.beginElements('ways', mark === undefined)
  writer.nest(1, () => {
    writer.nest(1, () => writer.attrBytes(1, parseIp(ip)!.bytes))
    if (mark !== undefined) writer.nest(2, () => writer.attrBytes(1, hostBytes(mark)))
  })
}
