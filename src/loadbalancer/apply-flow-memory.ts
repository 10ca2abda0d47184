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
import { formatIp, type IpFamily, parseIp } from '#lib/ip.ts'

const tableName = 'frontdesk-lb'
const { EEXIST = 17 } = errnoOf
const priority = { rules: 100, mangle: -150 } as const
/** A flow that says nothing for so long is taken anew. */
const idleMs = 3_600_000
const ackAndSyn = 0x12
const syn = 0x02
const TCP = 6
const UDP = 17

/** Where a packet has its addresses, and how a set calls them. */
const layouts = {
  IPv4: { type: dataType.ipv4, length: 4, source: 12, destination: 16 },
  IPv6: { type: dataType.ipv6, length: 16, source: 8, destination: 24 },
} as const

const markData = { type: dataType.mark, length: 4 } as const

function setsOf(family: IpFamily): readonly SetDefinition[] {
  const { type, length } = layouts[family]
  return [
    { name: 'ways', flags: setFlag.map, keyType: type, keyParts: [length], data: markData },
    {
      name: 'flows',
      flags: setFlag.map | setFlag.timeout | setFlag.eval,
      keyType: concatenatedType(type, dataType.port, type, dataType.port, dataType.protocol),
      keyParts: [length, 2, length, 2, 1],
      data: markData,
      size: 1 << 18,
    },
  ]
}

/** Behind the longest key. */
const node = 12
/** Through the packet's mark: `nft` prints no rule in which what a map gives goes straight into another. */
const nodeOfMark = loadMeta(metaKey.mark, reg(node))
const isProtocol = (number: number): Expression[] => [
  loadMeta(metaKey.l4proto, reg(0)),
  compare(reg(0), 'eq', Uint8Array.of(number)),
]
const isFirst = (operation: 'eq' | 'neq'): Expression[] => [
  payload('transport', 13, 1, reg(0)),
  bitwise(reg(0), reg(0), Uint8Array.of(ackAndSyn), Uint8Array.of(0)),
  compare(reg(0), operation, Uint8Array.of(syn)),
]
const remember = [nodeOfMark, changeSet('flows', 'update', reg(0), reg(node), idleMs)]
const forget = [nodeOfMark, changeSet('flows', 'delete', reg(0), reg(node), 0)]
const accept = verdict({ kind: 'accept' })

function leadRules(family: IpFamily): readonly (readonly Expression[])[] {
  const { length, source, destination } = layouts[family]
  const words = length / 4
  const toWay = [payload('network', destination, length, reg(0)), lookup('ways', reg(0), reg(node))]
  const flow: readonly Expression[] = [
    payload('network', source, length, reg(0)),
    payload('transport', 0, 2, reg(words)),
    payload('network', destination, length, reg(words + 1)),
    payload('transport', 2, 2, reg(2 * words + 1)),
    loadMeta(metaKey.l4proto, reg(2 * words + 2)),
  ]
  const follow = [...flow, lookup('flows', reg(0), reg(node)), storeMeta(metaKey.mark, reg(node))]
  return [
    [...toWay, storeMeta(metaKey.mark, reg(node))],
    // Only addresses that lead somewhere.
    [loadMeta(metaKey.mark, reg(0)), compare(reg(0), 'eq', hostBytes(0)), accept],
    [...isProtocol(TCP), ...isFirst('neq'), ...follow, ...flow, ...remember, accept],
    [...isProtocol(UDP), ...follow, ...flow, ...remember, accept],
    // The address and ports of an old connection may come again: what was remembered goes first.
    [...isProtocol(TCP), ...isFirst('eq'), ...flow, ...forget],
    [...flow, ...remember],
  ]
}

export interface FlowMemory {
  /** New flows to the address go to `via`; undefined: the address leads nowhere. */
  lead(ip: string, via: string | undefined): void
}

/** `rules`: a netfilter socket of the namespace; `routes`: a route socket of it. What an earlier run remembers stays. */
export function openFlowMemory(family: IpFamily, rules: Netlink, routes: Netlink): FlowMemory {
  const table = { family: nftFamily[family], table: tableName }
  const transaction = new NftTransaction(table).addTable('which node has which connection to a load balancer')
  setsOf(family).forEach((set, index) => transaction.addSet(set, index + 1))
  transaction.addChain('lead').addChain('forwarded', { type: 'filter', hook: 'prerouting', priority: priority.mangle })
  transaction.addChain('own', { type: 'route', hook: 'output', priority: priority.mangle })
  for (const chain of ['lead', 'forwarded', 'own']) transaction.flushChain(chain)
  for (const rule of leadRules(family)) transaction.addRule('lead', rule)
  for (const chain of ['forwarded', 'own']) transaction.addRule(chain, [verdict({ kind: 'jump', chain: 'lead' })])
  transaction.commit(rules)
  const ways = new Map<string, number>()
  listElements(rules, { ...table, name: 'ways' }, ({ key, data }) => {
    if (data) ways.set(formatIp({ family, bytes: Uint8Array.from(key) }), data.readUInt32LE(0))
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
function markOf(via: string): number {
  const [high = 0, low = 0] = parseIp(via)!.bytes.slice(-2)
  return 0x1_0000 + (high << 8) + low
}

function writeWay(transaction: NftTransaction, ip: string, mark: number | undefined): void {
  const { writer } = transaction.beginElements('ways', mark === undefined)
  writer.nest(1, () => {
    writer.nest(1, () => writer.attrBytes(1, parseIp(ip)!.bytes))
    if (mark !== undefined) writer.nest(2, () => writer.attrBytes(1, hostBytes(mark)))
  })
}
