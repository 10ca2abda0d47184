/** nftables by netlink: transactions of tables, chains, rules, sets and elements; listing; the ruleset's generation. */
import { errnoOf } from '../libc.ts'
import { MessageWriter, attributeText, eachAttribute, listAttributes, nlmsgFlag, readAttributes } from './message.ts'
import { writeExpression, type Expression } from './nft-expressions.ts'
import { NetlinkError, isNetlinkError, type Netlink } from './socket.ts'

export const nftFamily = { IPv4: 2, IPv6: 10 } as const

const subsystem = 10
const messageType = (type: number) => (subsystem << 8) | type
const NEWTABLE = messageType(0)
const GETTABLE = messageType(1)
const DELTABLE = messageType(2)
const NEWCHAIN = messageType(3)
const GETCHAIN = messageType(4)
const DELCHAIN = messageType(5)
const NEWRULE = messageType(6)
const DELRULE = messageType(8)
const NEWSET = messageType(9)
const GETSETELEM = messageType(13)
const NEWSETELEM = messageType(12)
const DELSETELEM = messageType(14)
const GETGEN = messageType(16)
const BATCH_BEGIN = 0x10
const BATCH_END = 0x11
const NFNL_BATCH_GENID = 1

export const setFlag = { interval: 4, map: 8, timeout: 0x10, eval: 0x20, concat: 0x80 } as const
/** Codes only for display by `nft`; a concatenation packs them in six bits each. */
export const dataType = { ipv4: 7, ipv6: 8, protocol: 12, port: 13, mark: 19 } as const
export const verdictType = 0xffffff00
export const concatenatedType = (...types: readonly number[]): number =>
  types.reduce((sum, type) => (sum << 6) | type, 0)

export interface BaseChain {
  readonly type: 'nat' | 'filter' | 'route'
  readonly hook: 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting'
  readonly priority: number
}
const hookNumber = { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 } as const

export interface SetDefinition {
  readonly name: string
  readonly flags: number
  readonly keyType: number
  /** Bytes of each part of the key; every part is padded to four. */
  readonly keyParts: readonly number[]
  /** Absent for a set. */
  readonly data?: { readonly type: number; readonly length: number }
  readonly size?: number
}

/** Somebody else changed the ruleset since the generation that the transaction was made for. Nothing was applied. */
export class GenerationChanged extends Error {
  constructor(options: ErrorOptions) {
    super('Cannot apply nftables transaction: the ruleset was changed by somebody else', options)
    this.name = 'GenerationChanged'
  }
}

/** One transaction on one table: all of it happens, or nothing. */
export class NftTransaction {
  readonly writer: MessageWriter
  readonly #family: number
  readonly #table: string
  readonly #labels: string[] = []
  #elements = -1
  #message = -1

  /** `generation`: refuse when the ruleset's generation is another one by now. */
  constructor(options: { family: number; table: string; generation?: number; writer?: MessageWriter }) {
    this.#family = options.family
    this.#table = options.table
    this.writer = options.writer ?? new MessageWriter(64 * 1024)
    this.writer.clear()
    this.writer.message(BATCH_BEGIN).u8(0).u8(0).u16be(subsystem)
    if (options.generation !== undefined) this.writer.attr32be(NFNL_BATCH_GENID, options.generation)
    this.#labels.push('begin')
  }

  get isEmpty(): boolean {
    return this.writer.messageCount === 1
  }

  addTable(comment?: string): this {
    this.#begin(NEWTABLE, 'add table', nlmsgFlag.create).attrText(1, this.#table)
    if (comment) writeComment(this.writer, 6, comment)
    return this
  }

  deleteTable(): this {
    this.#begin(DELTABLE, 'delete table', 0).attrText(1, this.#table)
    return this
  }

  addChain(name: string, base?: BaseChain): this {
    const writer = this.#begin(NEWCHAIN, `add chain ${name}`, nlmsgFlag.create)
      .attrText(1, this.#table)
      .attrText(3, name)
    if (!base) return this
    const hook = writer.open(4)
    writer.attr32be(1, hookNumber[base.hook]).attr32be(2, base.priority).close(hook)
    writer.attr32be(5, 1).attrText(7, base.type)
    return this
  }

  deleteChain(name: string): this {
    this.#begin(DELCHAIN, `delete chain ${name}`, 0).attrText(1, this.#table).attrText(3, name)
    return this
  }

  flushChain(name: string): this {
    this.#begin(DELRULE, `flush chain ${name}`, 0).attrText(1, this.#table).attrText(2, name)
    return this
  }

  addRule(chain: string, expressions: readonly Expression[], comment?: string): this {
    const flags = nlmsgFlag.create | nlmsgFlag.append
    const writer = this.#begin(NEWRULE, `add rule to ${chain}`, flags).attrText(1, this.#table).attrText(2, chain)
    const list = writer.open(4)
    for (const expression of expressions) writeExpression(writer, expression)
    writer.close(list)
    if (comment) writeComment(writer, 7, comment)
    return this
  }

  addSet(set: SetDefinition, id: number): this {
    const writer = this.#begin(NEWSET, `add set ${set.name}`, nlmsgFlag.create)
      .attrText(1, this.#table)
      .attrText(2, set.name)
      .attr32be(3, set.flags)
      .attr32be(4, set.keyType)
      .attr32be(
        5,
        set.keyParts.reduce((sum, length) => sum + ((length + 3) & ~3), 0),
      )
      .attr32be(10, id)
    if (set.data) writer.attr32be(6, set.data.type).attr32be(7, set.data.length)
    const description = writer.open(9)
    if (set.size !== undefined) writer.attr32be(1, set.size)
    if (set.flags & setFlag.concat) {
      writer.nest(2, () => {
        for (const length of set.keyParts) writer.nest(1, () => writer.attr32be(1, length))
      })
    }
    writer.close(description)
    writeByteOrders(writer, set)
    return this
  }

  /** Deletes every element of a set. */
  flushSet(name: string): this {
    this.#begin(DELSETELEM, `flush set ${name}`, 0).attrText(1, this.#table).attrText(2, name)
    return this
  }

  /**
   * Opens a message that adds or deletes elements of one set, to be written behind each other; `endElements` closes it.
   * An attribute holds 64 kB: begin anew when there is no room.
   */
  beginElements(set: string, remove: boolean): this {
    this.endElements()
    const writer = this.#begin(
      remove ? DELSETELEM : NEWSETELEM,
      `${remove ? 'delete' : 'add'} elements of ${set}`,
      remove ? 0 : nlmsgFlag.create,
    )
    writer.attrText(1, this.#table).attrText(2, set)
    this.#elements = writer.open(3)
    this.#message = this.#elements
    return this
  }

  /** Whether the open element list has room for one more element of at most 1 kB. */
  get hasRoom(): boolean {
    return this.writer.length - this.#message < 62_000
  }

  endElements(): this {
    if (this.#elements >= 0) this.writer.close(this.#elements)
    this.#elements = -1
    return this
  }

  /** Sends it. Throws GenerationChanged, or an error that names the refused message. */
  commit(socket: Netlink): void {
    try {
      socket.transact(this.#ended())
    } catch (error) {
      throw this.#explain(error)
    }
  }

  /** The same, while this thread goes on. Leave the socket and the writer alone until it resolves. */
  async commitMeanwhile(socket: Netlink): Promise<void> {
    try {
      await socket.transactMeanwhile(this.#ended())
    } catch (error) {
      throw this.#explain(error)
    }
  }

  #ended(): MessageWriter {
    this.endElements()
    return this.writer.message(BATCH_END).u8(0).u8(0).u16be(subsystem)
  }

  #explain(error: unknown): unknown {
    if (isNetlinkError(error, errnoOf.ERESTART ?? 85)) return new GenerationChanged({ cause: error })
    if (!(error instanceof NetlinkError)) return error
    const what = this.#labels[error.index] ?? 'commit'
    return new Error(`Cannot apply nftables transaction to table ${this.#table}: ${what}`, { cause: error })
  }

  #begin(type: number, label: string, flags: number): MessageWriter {
    this.endElements()
    this.#labels.push(label)
    return this.writer.message(type, flags).u8(this.#family).u8(0).u16(0)
  }
}

/** libnftnl user data of a set. Without it `nft` prints the bytes of a lone mark in the wrong order. */
function writeByteOrders(writer: MessageWriter, { keyType, data }: SetDefinition): void {
  const marks = [keyType, data?.type].flatMap((type, part) => (type === dataType.mark ? [part] : []))
  if (marks.length > 0) writer.attrBytes(13, Uint8Array.from(marks.flatMap((part) => [part, 4, ...hostByteOrder])))
}
const hostByteOrder = [1, 0, 0, 0]

/** libnftnl user data: one comment, type 0. Names in Kubernetes are ASCII. */
export function writeComment(writer: MessageWriter, attribute: number, comment: string): void {
  const length = Math.min(comment.length, maxCommentLength)
  const at = writer.takeAttribute(attribute, length + 3)
  const { memory } = writer
  memory[at] = 0
  memory[at + 1] = length + 1
  // Short: a call of `write` costs more.
  for (let index = 0; index < length; index++) memory[at + 2 + index] = comment.charCodeAt(index)
  memory[at + 2 + length] = 0
}
const maxCommentLength = 250

/** The generation of the namespace's whole ruleset: every commit by anybody adds one. */
export function readGeneration(socket: Netlink): number {
  const answer = socket.get(new MessageWriter().message(GETGEN).u8(0).u8(0).u16(0))
  return readAttributes(answer.body, 4).get(1)!.readUInt32BE(0)
}

export function tableExists(socket: Netlink, family: number, table: string): boolean {
  try {
    socket.get(new MessageWriter().message(GETTABLE).u8(family).u8(0).u16(0).attrText(1, table))
    return true
  } catch (error) {
    if (isNetlinkError(error, errnoOf.ENOENT ?? 2)) return false
    throw error
  }
}

/** Names of the table's chains. */
export function listChains(socket: Netlink, family: number, table: string): string[] {
  const names: string[] = []
  socket.dump(new MessageWriter().message(GETCHAIN).u8(family).u8(0).u16(0), (message) => {
    const attributes = readAttributes(message.body, 4)
    if (attributeText(attributes.get(1)!) === table) names.push(attributeText(attributes.get(3)!))
  })
  return names
}

/** One element as the kernel lists it. Buffers are valid only during the callback. */
export interface ListedElement {
  readonly key: Buffer
  readonly keyEnd: Buffer | undefined
  readonly data: Buffer | undefined
  /** Of a verdict map: the chain to go to; empty for `drop`. */
  readonly chain: string | undefined
  readonly comment: string | undefined
}

export function listElements(
  socket: Netlink,
  set: { readonly family: number; readonly table: string; readonly name: string },
  onElement: (element: ListedElement) => void,
): void {
  const request = new MessageWriter().message(GETSETELEM).u8(set.family).u8(0).u16(0)
  request.attrText(1, set.table).attrText(2, set.name)
  socket.dump(request, ({ body }) => {
    const list = readAttributes(body, 4).get(3)
    if (!list) return
    eachAttribute(list, 0, list.length, (_type, start, end) => onElement(readElement(list, start, end)))
  })
}

/** One element out of a list, at the place `eachAttribute` names. */
export function readElement(list: Buffer, start: number, end: number): ListedElement {
  let key: Buffer | undefined
  let keyEnd: Buffer | undefined
  let data: Buffer | undefined
  let chain: string | undefined
  let comment: string | undefined
  eachAttribute(list, start, end, (type, from, to) => {
    if (type === 1) key = list.subarray(from + 4, to)
    else if (type === 10) keyEnd = list.subarray(from + 4, to)
    else if (type === 6) comment = readComment(list.subarray(from, to))
    else if (type === 2) {
      const [value] = listAttributes(list.subarray(from, to))
      if (value?.type === 1) data = value.value
      else if (value) chain = verdictChain(value.value)
    }
  })
  return { key: key!, keyEnd, data, chain, comment }
}

function verdictChain(bytes: Buffer): string {
  const chain = readAttributes(bytes).get(2)
  return chain ? attributeText(chain) : ''
}

function readComment(userData: Buffer): string | undefined {
  for (let at = 0; at + 2 <= userData.length; at += 2 + userData[at + 1]!) {
    if (userData[at] === 0) return attributeText(userData.subarray(at + 2, at + 2 + userData[at + 1]!))
  }
  return undefined
}
