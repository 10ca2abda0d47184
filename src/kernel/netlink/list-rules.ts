/** What the chains of a table hold, as the kernel says it: to be compared with a later listing, never understood. */
import { MessageWriter, attributeText, readAttributes } from './message.ts'
import type { Netlink } from './socket.ts'

const GETCHAIN = (10 << 8) | 4
const GETRULE = (10 << 8) | 7
const chainAttribute = { table: 1, name: 3, hook: 4, policy: 5, type: 7 } as const
const ruleAttribute = { table: 1, chain: 2, expressions: 4, userData: 7 } as const

/** By chain: its hook and policy, then expressions and comment of each rule in order. Counters count as content. */
export function listRules(socket: Netlink, family: number, table: string): Map<string, string> {
  const contents = new Map<string, string>()
  socket.dump(new MessageWriter().message(GETCHAIN).u8(family).u8(0).u16(0), ({ body }) => {
    const attributes = readAttributes(body, 4)
    if (attributeText(attributes.get(chainAttribute.table)!) !== table) return
    const { hook, policy, type } = chainAttribute
    contents.set(attributeText(attributes.get(chainAttribute.name)!), textOf(attributes, [hook, policy, type]))
  })
  const request = new MessageWriter().message(GETRULE).u8(family).u8(0).u16(0).attrText(1, table)
  socket.dump(request, ({ body }) => {
    const attributes = readAttributes(body, 4)
    if (attributeText(attributes.get(ruleAttribute.table)!) !== table) return
    const chain = attributeText(attributes.get(ruleAttribute.chain)!)
    const { expressions, userData } = ruleAttribute
    contents.set(chain, `${contents.get(chain) ?? ''}\n${textOf(attributes, [expressions, userData])}`)
  })
  return contents
}

const textOf = (attributes: ReadonlyMap<number, Buffer>, types: readonly number[]): string =>
  types.map((type) => attributes.get(type)?.toString('latin1') ?? '').join('\0')
