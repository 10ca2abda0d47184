/** The least that nftables needs to send connections to another address: what of the costs is the kernel's, not ours. */
import { compare, dnat, loadMeta, metaKey, payload, reg, type Expression } from '#kernel/netlink/nft-expressions.ts'
import { nftFamily, NftTransaction } from '#kernel/netlink/nftables.ts'
import { netlinkProtocol, openNetlink } from '#kernel/netlink/socket.ts'
import { parseIp } from '#lib/ip.ts'

export interface Place {
  readonly ip: string
  readonly port: number
}

const IPPROTO_TCP = 6

/** One chain with one rule, in the calling thread's namespace. */
export function writeSmallestRule(from: Place, to: Place): void {
  const family = nftFamily.IPv4
  const isFrom = [
    payload('network', 16, 4, reg(0)),
    compare(reg(0), 'eq', addressBytes(from)),
    loadMeta(metaKey.l4proto, reg(0)),
    compare(reg(0), 'eq', Uint8Array.of(IPPROTO_TCP)),
    payload('transport', 2, 2, reg(0)),
    compare(reg(0), 'eq', portBytes(from)),
  ]
  const translate = [load(reg(0), addressBytes(to)), load(reg(1), portBytes(to)), dnat(family, reg(0), reg(1))]
  using socket = openNetlink(netlinkProtocol.netfilter)
  new NftTransaction({ family, table: 'smallest' })
    .addTable()
    .addChain('prerouting', { type: 'nat', hook: 'prerouting', priority: -100 })
    .addRule('prerouting', [...isFrom, ...translate])
    .commit(socket)
}

const load = (dreg: number, bytes: Uint8Array): Expression => ({
  name: 'immediate',
  data: [
    [1, 'u32', dreg],
    [2, 'nested', [[1, 'bytes', bytes]]],
  ],
})

const addressBytes = ({ ip }: Place): Uint8Array => parseIp(ip)!.bytes
const portBytes = ({ port }: Place): Uint8Array => Uint8Array.of(port >> 8, port & 255)
