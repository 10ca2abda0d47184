/** What rules are made of: loads, comparisons and marks, for either address family. */
import { maskIp, parseCidr, type Cidr, type IpFamily } from '#lib/ip.ts'
import {
  bitwise,
  compare,
  ctKey,
  ctState,
  fibAddressType,
  hostBytes,
  loadCt,
  loadMeta,
  metaKey,
  payload,
  reg,
  rtnLocal,
  storeMeta,
  type Expression,
} from '#kernel/netlink/nft-expressions.ts'
import { nftFamily } from '#kernel/netlink/nftables.ts'
import * as mark from './mark.ts'

export interface Rule {
  readonly comment?: string
  readonly expressions: readonly Expression[]
}

/** Where a connection goes for which no endpoint was found. */
export const nobodyChain = 'nobody'

export interface FamilyTerms {
  readonly number: number
  readonly addressLength: number
  /** Registers that an address takes. */
  readonly width: number
  saddr(register: number): Expression
  daddr(register: number): Expression
  /** Address, protocol and port from register `at` on. */
  frontEndKey(at: number): Expression[]
  nodePortKey(at: number): Expression[]
}

export function familyTerms(family: IpFamily): FamilyTerms {
  const addressLength = family === 'IPv4' ? 4 : 16
  const width = addressLength / 4
  const daddr = (at: number) => payload('network', family === 'IPv4' ? 16 : 24, addressLength, reg(at))
  const nodePortKey = (at: number) => [loadMeta(metaKey.l4proto, reg(at)), payload('transport', 2, 2, reg(at + 1))]
  return {
    number: nftFamily[family],
    addressLength,
    width,
    saddr: (at) => payload('network', family === 'IPv4' ? 12 : 8, addressLength, reg(at)),
    daddr,
    frontEndKey: (at) => [daddr(at), ...nodePortKey(at + width)],
    nodePortKey,
  }
}

export const markHas = (bit: number): Expression[] => [
  loadMeta(metaKey.mark, reg(0)),
  bitwise(reg(0), reg(0), hostBytes(bit), hostBytes(0)),
  compare(reg(0), 'eq', hostBytes(bit)),
]

export const addToMark = (bit: number): Expression[] => [
  loadMeta(metaKey.mark, reg(0)),
  bitwise(reg(0), reg(0), hostBytes(~bit >>> 0), hostBytes(bit)),
  storeMeta(metaKey.mark, reg(0)),
]

export const listNumber = (at: number): Expression[] => [
  loadMeta(metaKey.mark, reg(at)),
  bitwise(reg(at), reg(at), hostBytes(mark.listMask), hostBytes(0)),
]

export const isLocal = (direction: 'saddr' | 'daddr'): Expression[] => [
  fibAddressType(direction, reg(0)),
  compare(reg(0), 'eq', hostBytes(rtnLocal)),
]

export const isNew = (): Expression[] => [
  loadCt(ctKey.state, reg(0)),
  bitwise(reg(0), reg(0), hostBytes(ctState.new), hostBytes(0)),
  compare(reg(0), 'neq', hostBytes(0)),
]

export const sourceRange = (cidr: string, family: FamilyTerms, operation: 'eq' | 'neq') =>
  inRange(family.saddr(0), cidr, operation)

export function inRange(load: Expression, text: string, operation: 'eq' | 'neq'): Expression[] {
  const cidr = parseCidr(text)
  if (!cidr) throw new Error(`Cannot read the range ${JSON.stringify(text)}`)
  const { bytes } = maskIp(cidr.base, cidr.prefixLength)
  return [
    load,
    bitwise(reg(0), reg(0), prefixMask(cidr), new Uint8Array(bytes.length)),
    compare(reg(0), operation, bytes),
  ]
}

const prefixMask = (cidr: Cidr): Uint8Array =>
  maskIp({ family: cidr.base.family, bytes: cidr.base.bytes.map(() => 255) }, cidr.prefixLength).bytes
