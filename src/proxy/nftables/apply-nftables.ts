/**
 * The nftables back end: one netlink socket in the node's network namespace, a planner that remembers what it wrote,
 * and the ruleset's generation as proof that nobody else did. Transactions carry the expected generation, so the kernel
 * itself refuses them after a foreign change; then the table is listed anew and the differences are written.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { errnoOf } from '#kernel/libc.ts'
import type { Log } from '#observe/log.ts'
import {
  GenerationChanged,
  NftTransaction,
  listChains,
  listElements,
  nftFamily,
  readGeneration,
  tableExists,
} from '#kernel/netlink/nftables.ts'
import { listRules } from '#kernel/netlink/list-rules.ts'
import { MessageWriter } from '#kernel/netlink/message.ts'
import { isNetlinkError, netlinkFrom, type Netlink } from '#kernel/netlink/socket.ts'
import type { DesiredRoutes, NodeTraffic, ProxyBackend, RouteChange } from '../backend.ts'
import { decodeElement } from './decode-elements.ts'
import { listChain, parseListChain, type ListShape } from './desired-list-chains.ts'
import { tableName } from './desired-table.ts'
import { ElementBatch } from './element-batch.ts'
import { mapNames, type Element } from './elements.ts'
import { planAdoption } from './plan-adoption.ts'
import type { RoutePlanner } from './plan-elements.ts'
import type { PlanUnit } from './plan-unit.ts'
import { maxUnitBytes, splitLongUnits } from './split-units.ts'
import { writeFixedPart, writeListChains } from './write-table.ts'
import { nextGeneration, SharedRuleset } from './shared-ruleset.ts'

export interface NftablesOptions {
  /** A netfilter netlink socket of the node's namespace; the back end closes it when disposed. */
  readonly netlinkFd: number
  readonly node: NodeTraffic
  readonly log: Log
  /** Absent: this back end is the only one of ours in its namespace. */
  readonly ruleset?: SharedRuleset
}

/** Others wait for the ruleset's lock meanwhile: about 5 ms for so much. */
const maxTransactionBytes = 256 * 1024
/** What a transaction has besides elements: headers of its messages. */
const reservedBytes = 16 * 1024
const maxChainsPerTransaction = 32
const maxAdoptions = 5

export function openNftablesBackend(options: NftablesOptions): ProxyBackend & Disposable {
  return new NftablesBackend(options)
}

class NftablesBackend implements ProxyBackend, Disposable {
  readonly #socket: Netlink
  #node: NodeTraffic
  readonly #log: Log
  readonly #family: number
  readonly #ruleset: SharedRuleset
  readonly #tellCommit: (before: number) => void
  readonly #writer = new MessageWriter(256 * 1024)
  readonly #maxElementBytes: number
  readonly #batch: ElementBatch
  #planner: RoutePlanner | undefined
  #desired: DesiredRoutes | undefined
  #generation = 0
  /** List chains found by the last adoption: the planner asks for each of its own only once. */
  #existingChains: ReadonlySet<string> = new Set()
  /** Chains and rules as listed when certainly nobody else had changed them; absent after writing some. */
  #ownRules: ReadonlyMap<string, string> | undefined

  constructor({ netlinkFd, node, log, ruleset = new SharedRuleset() }: NftablesOptions) {
    this.#socket = netlinkFrom(netlinkFd)
    this.#node = node
    this.#log = log
    this.#family = nftFamily[node.family]
    this.#batch = new ElementBatch(node.family)
    this.#ruleset = ruleset
    this.#tellCommit = ruleset.join((before) => {
      if (this.#generation === before) this.#generation = nextGeneration(before)
    })
    this.#maxElementBytes = Math.min(maxTransactionBytes, this.#socket.maxBatchBytes) - reservedBytes
  }

  async sync(desired: DesiredRoutes, changes?: Iterable<RouteChange>): Promise<void> {
    this.#desired = desired
    const planner = this.#planner
    if (!planner || !changes) {
      this.#planner = undefined
      await this.#adopt(desired)
      return
    }
    try {
      await this.#apply(planner.plan(changes))
    } catch (error) {
      // The planner's memory is ahead of the kernel now.
      this.#planner = undefined
      if (!(error instanceof GenerationChanged))
        this.#log.warn({ err: error }, 'Cannot apply routes, listing the table')
      await this.#adopt(desired)
    }
  }

  setServiceCidrs(serviceCidrs: readonly string[]): void {
    if (serviceCidrs.join() === this.#node.serviceCidrs.join()) return
    this.#node = { ...this.#node, serviceCidrs }
    // The next sync writes the rules anew.
    this.#planner = undefined
    this.#ownRules = undefined
  }

  async verify(): Promise<boolean> {
    if (!this.#desired || !this.#planner) return false
    while (this.#ruleset.underWay) await this.#ruleset.underWay
    if (readGeneration(this.#socket) === this.#generation) {
      if (!this.#ownRules) await this.#rememberRules()
      return false
    }
    this.#planner = undefined
    return await this.#adopt(this.#desired)
  }

  async cleanup(): Promise<void> {
    this.#planner = undefined
    while (this.#ruleset.underWay) await this.#ruleset.underWay
    if (!tableExists(this.#socket, this.#family, tableName)) return
    this.#transaction().deleteTable().commit(this.#socket)
  }

  [Symbol.dispose](): void {
    this.#socket.close()
  }

  /** Resolves with whether any element had to change. */
  async #adopt(desired: DesiredRoutes): Promise<boolean> {
    this.#log.debug({}, 'Listing the nftables table')
    let rebuild = false
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#adoptOnce(desired, rebuild)
      } catch (error) {
        if (attempt === maxAdoptions) throw error
        if (!isForeignChange(error)) {
          this.#log.warn({ err: error, attempt }, 'Cannot take over the nftables table, writing it anew')
          rebuild = true
        }
        await nextTurn()
      }
    }
  }

  async #adoptOnce(desired: DesiredRoutes, rebuild: boolean): Promise<boolean> {
    while (this.#ruleset.underWay) await this.#ruleset.underWay
    this.#generation = readGeneration(this.#socket)
    const exists = tableExists(this.#socket, this.#family, tableName)
    const adopts = exists && !rebuild
    const listed = adopts ? this.#list() : { elements: [], maxRememberedEndpoint: 0 }
    const adoption = planAdoption(this.#node, desired, listed.elements, listed.maxRememberedEndpoint)
    const chains = adopts ? listChains(this.#socket, this.#family, tableName) : []
    const isIntact = adopts && this.#areRulesIntact()
    this.#existingChains = new Set(chains)
    const first = this.#transaction(this.#generation)
    if (exists && rebuild) first.deleteTable()
    if (!isIntact) {
      this.#ownRules = undefined
      writeFixedPart(first, this.#node, chains)
    }
    const begun = first.isEmpty ? undefined : this.#commitMeanwhile(first)
    if (!isIntact) await this.#writeListChains(chains.map(parseListChain).filter((shape) => shape !== undefined))
    const hasChanged = await this.#apply(adoption.units, begun)
    this.#planner = adoption.planner
    if (!this.#ownRules) await this.#rememberRules()
    return !isIntact || hasChanged
  }

  /** Whether the table has exactly our chains, and they our rules. */
  #areRulesIntact(): boolean {
    const own = this.#ownRules
    if (!own) return false
    const found = this.#listRules()
    return found.size === own.size && [...found].every(([chain, content]) => own.get(chain) === content)
  }

  async #rememberRules(): Promise<void> {
    while (this.#ruleset.underWay) await this.#ruleset.underWay
    const rules = this.#listRules()
    this.#ownRules = readGeneration(this.#socket) === this.#generation ? rules : undefined
  }

  /** What each chain holds, and what map `spreads` says. */
  #listRules(): Map<string, string> {
    const rules = listRules(this.#socket, this.#family, tableName)
    const spreads: string[] = []
    listElements(this.#socket, { family: this.#family, table: tableName, name: 'spreads' }, ({ key, chain }) =>
      spreads.push(`${key.readUInt32LE(0)} ${chain}`),
    )
    return rules.set('@spreads', spreads.toSorted().join('\n'))
  }

  #list(): { elements: Element[]; maxRememberedEndpoint: number } {
    const elements: Element[] = []
    const table = { family: this.#family, table: tableName }
    for (const name of mapNames) {
      listElements(this.#socket, { ...table, name }, (listed) => {
        const element = decodeElement(this.#node.family, name, listed)
        if (element) elements.push(element)
      })
    }
    let maxRememberedEndpoint = 0
    listElements(this.#socket, { ...table, name: 'affinity' }, ({ data }) => {
      maxRememberedEndpoint = Math.max(maxRememberedEndpoint, data?.readUInt32LE(0) ?? 0)
    })
    return { elements, maxRememberedEndpoint }
  }

  /** Adds the chains of these lists. */
  async #addListChains(shapes: readonly ListShape[]): Promise<void> {
    await this.#writeListChains(shapes.filter((shape) => !this.#existingChains.has(listChain(shape))))
  }

  /** Adds the chains of these lists, or writes their rules anew. */
  async #writeListChains(shapes: readonly ListShape[]): Promise<void> {
    if (shapes.length > 0) this.#ownRules = undefined
    for (let at = 0; at < shapes.length; at += maxChainsPerTransaction) {
      while (this.#ruleset.underWay) await this.#ruleset.underWay
      const transaction = this.#transaction(this.#generation)
      writeListChains(transaction, this.#node.family, shapes.slice(at, at + maxChainsPerTransaction))
      this.#commit(transaction)
    }
  }

  /**
   * Resolves with whether any element had to change. While the kernel commits a full batch in another thread, or what has
   * begun before, the next one is planned. What fits one batch is committed before anybody else has a turn.
   */
  async #apply(units: Iterable<PlanUnit>, begun?: Promise<void>): Promise<boolean> {
    const batch = this.#batch
    batch.clear()
    let full = begun
    for (const unit of splitLongUnits(units, this.#maxElementBytes)) {
      if (batch.bytes + maxUnitBytes(unit) > this.#maxElementBytes) {
        if (full) await full
        while (this.#ruleset.underWay) await this.#ruleset.underWay
        full = this.#commitMeanwhile(this.#elements(batch))
      }
      if (unit.chains) {
        if (full) await full
        await this.#addListChains(unit.chains)
      }
      batch.remove(unit.removes)
      batch.add(unit.adds)
    }
    if (full) await full
    if (batch.bytes === 0) return full !== begun
    while (this.#ruleset.underWay) await this.#ruleset.underWay
    this.#commit(this.#elements(batch))
    return true
  }

  #commitMeanwhile(transaction: NftTransaction): Promise<void> {
    const commit = transaction.commitMeanwhile(this.#socket).then(() => this.#noteCommit())
    // Tells the end only; whoever waits for the commit itself hears how it went.
    this.#ruleset.noteUnderWay(commit)
    return commit
  }

  #elements(batch: ElementBatch): NftTransaction {
    const transaction = this.#transaction(this.#generation)
    batch.moveTo(transaction)
    return transaction
  }

  #transaction(generation?: number): NftTransaction {
    return new NftTransaction({
      family: this.#family,
      table: tableName,
      writer: this.#writer,
      ...(generation !== undefined && { generation }),
    })
  }

  #commit(transaction: NftTransaction): void {
    if (transaction.isEmpty) return
    transaction.commit(this.#socket)
    this.#noteCommit()
  }

  /** Every commit in the namespace, by anybody, adds one. */
  #noteCommit(): void {
    const before = this.#generation
    this.#generation = nextGeneration(before)
    this.#tellCommit(before)
  }
}

/** Somebody else committed while we listed, or before we wrote. */
const isForeignChange = (error: unknown): boolean =>
  error instanceof GenerationChanged || isNetlinkError(error, errnoOf.EINTR ?? 4)
