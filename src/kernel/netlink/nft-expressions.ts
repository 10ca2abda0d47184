/**
 * nftables expressions as values: what a rule is made of, in the kernel's own terms. Registers are the 32-bit ones,
 * `reg(0)` to `reg(15)`; a value of n bytes covers ceil(n/4) of them. They do not keep their content between rules.
 * Constants: include/uapi/linux/netfilter/nf_tables.h.
 */
import type { MessageWriter } from './message.ts'

export type Attribute =
  | readonly [type: number, kind: 'u8' | 'u32' | 'host32', value: number]
  | readonly [type: number, kind: 'u64', value: bigint]
  | readonly [type: number, kind: 'text', value: string]
  | readonly [type: number, kind: 'bytes', value: Uint8Array]
  | readonly [type: number, kind: 'nested', value: readonly Attribute[]]

export interface Expression {
  readonly name: string
  readonly data: readonly Attribute[]
}

export type Verdict =
  | { readonly kind: 'accept' | 'drop' | 'return' }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string }

const verdictCode = { accept: 1, drop: 0, return: -5, jump: -3, goto: -4 } as const

export const reg = (index: number): number => 8 + index
const verdictRegister = 0

export const metaKey = { mark: 3, iifname: 6, oifname: 7, l4proto: 16 } as const
export const ctKey = { state: 0, direction: 1, status: 2, mark: 3 } as const
export const ctState = { established: 1 << 1, related: 1 << 2, new: 1 << 3 } as const
/** nf_conntrack_common.h: the connection's destination was translated. */
export const ctStatusDnat = 0x20

export const loadMeta = (key: number, dreg: number): Expression => ({
  name: 'meta',
  data: [
    [1, 'u32', dreg],
    [2, 'u32', key],
  ],
})
export const storeMeta = (key: number, sreg: number): Expression => ({
  name: 'meta',
  data: [
    [2, 'u32', key],
    [3, 'u32', sreg],
  ],
})
export const loadCt = (key: number, dreg: number): Expression => ({
  name: 'ct',
  data: [
    [1, 'u32', dreg],
    [2, 'u32', key],
  ],
})
export const storeCt = (key: number, sreg: number): Expression => ({
  name: 'ct',
  data: [
    [2, 'u32', key],
    [4, 'u32', sreg],
  ],
})

const payloadBase = { network: 1, transport: 2 } as const
export const payload = (base: keyof typeof payloadBase, offset: number, length: number, dreg: number): Expression => ({
  name: 'payload',
  data: [
    [1, 'u32', dreg],
    [2, 'u32', payloadBase[base]],
    [3, 'u32', offset],
    [4, 'u32', length],
  ],
})

const compareOperation = { eq: 0, neq: 1 } as const
export const compare = (sreg: number, operation: keyof typeof compareOperation, value: Uint8Array): Expression => ({
  name: 'cmp',
  data: [
    [1, 'u32', sreg],
    [2, 'u32', compareOperation[operation]],
    [3, 'nested', [[1, 'bytes', value]]],
  ],
})

/** dreg = (sreg & mask) ^ xor */
export const bitwise = (sreg: number, dreg: number, mask: Uint8Array, xor: Uint8Array): Expression => ({
  name: 'bitwise',
  data: [
    [1, 'u32', sreg],
    [2, 'u32', dreg],
    [3, 'u32', mask.length],
    [4, 'nested', [[1, 'bytes', mask]]],
    [5, 'nested', [[1, 'bytes', xor]]],
  ],
})

/** Continues when the key is in the set (or, `inverted`, when it is not). */
export const inSet = (set: string, sreg: number, inverted = false): Expression => ({
  name: 'lookup',
  data: [[1, 'text', set], [2, 'u32', sreg], ...(inverted ? [[5, 'u32', 1] as const] : [])],
})
/** Loads the key's data; without such a key the rule does not match. */
export const lookup = (map: string, sreg: number, dreg: number): Expression => ({
  name: 'lookup',
  data: [
    [1, 'text', map],
    [2, 'u32', sreg],
    [3, 'u32', dreg],
  ],
})
export const verdictLookup = (map: string, sreg: number): Expression => lookup(map, sreg, verdictRegister)

export const verdict = (value: Verdict): Expression => ({
  name: 'immediate',
  data: [
    [1, 'u32', verdictRegister],
    [2, 'nested', [[2, 'nested', verdictAttributes(value)]]],
  ],
})
function verdictAttributes(value: Verdict): Attribute[] {
  const code = [1, 'u32', verdictCode[value.kind] >>> 0] as const
  return 'chain' in value ? [code, [2, 'text', value.chain]] : [code]
}

export const random = (modulus: number, dreg: number): Expression => ({
  name: 'numgen',
  data: [
    [1, 'u32', dreg],
    [2, 'u32', modulus],
    [3, 'u32', 1],
    [4, 'u32', 0],
  ],
})

/** Whether an address belongs to this network namespace: compare the result with `rtnLocal`. */
export const fibAddressType = (direction: 'saddr' | 'daddr', dreg: number): Expression => ({
  name: 'fib',
  data: [
    [1, 'u32', dreg],
    [2, 'u32', 3],
    [3, 'u32', direction === 'saddr' ? 1 : 2],
  ],
})
export const rtnLocal = 2

const dynsetOperation = { add: 0, update: 1, delete: 2 } as const
/** Adds, refreshes or deletes an element from within a rule; on a map the data register is needed also to delete. */
export const changeSet = (
  set: string,
  operation: keyof typeof dynsetOperation,
  keyRegister: number,
  dataRegister: number,
  timeoutMs: number,
): Expression => ({
  name: 'dynset',
  data: [
    [1, 'text', set],
    [3, 'u32', dynsetOperation[operation]],
    [4, 'u32', keyRegister],
    [5, 'u32', dataRegister],
    ...(timeoutMs > 0 ? [[6, 'u64', BigInt(timeoutMs)] as const] : []),
  ],
})

/** Destination NAT to the address and port in two registers. */
export const dnat = (family: number, addressRegister: number, portRegister: number): Expression => ({
  name: 'nat',
  data: [
    [1, 'u32', 1],
    [2, 'u32', family],
    [3, 'u32', addressRegister],
    [5, 'u32', portRegister],
  ],
})

export const masquerade = (fullyRandom: boolean): Expression => ({
  name: 'masq',
  data: fullyRandom ? [[1, 'u32', 0x10]] : [],
})

/** Answers "port unreachable": clients see ECONNREFUSED. */
export const rejectPort = (family: number): Expression => ({
  name: 'reject',
  data: [
    [1, 'u32', 0],
    [2, 'u8', family === 10 ? 4 : 3],
  ],
})

/** Answers with a TCP reset; only for TCP. */
export const rejectReset = (): Expression => ({ name: 'reject', data: [[1, 'u32', 1]] })

/** Numbers that the kernel keeps in host order (marks, ct status) as register bytes. */
export function hostBytes(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value, true)
  return bytes
}

export function writeExpression(writer: MessageWriter, expression: Expression): void {
  const element = writer.open(1)
  writer.attrText(1, expression.name)
  writeAttribute(writer, [2, 'nested', expression.data])
  writer.close(element)
}

function writeAttribute(writer: MessageWriter, attribute: Attribute): void {
  const [type, kind, value] = attribute
  switch (kind) {
    case 'u8':
      writer.attr8(type, value)
      return
    case 'u32':
      writer.attr32be(type, value)
      return
    case 'host32':
      writer.attr32(type, value)
      return
    case 'u64':
      writer.attr64be(type, value)
      return
    case 'text':
      writer.attrText(type, value)
      return
    case 'bytes':
      writer.attrBytes(type, value)
      return
    case 'nested': {
      const opened = writer.open(type)
      for (const inner of value) writeAttribute(writer, inner)
      writer.close(opened)
      return
    }
    default:
      kind satisfies never
  }
}
