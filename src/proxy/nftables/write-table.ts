/** Everything of the table but its elements, written into a transaction. */
import type { NftTransaction } from '#kernel/netlink/nftables.ts'
import type { IpFamily } from '#lib/ip.ts'
import type { NodeTraffic } from '../backend.ts'
import { listChain, listChainRules, parseListChain, type ListShape } from './desired-list-chains.ts'
import { desiredSets } from './desired-sets.ts'
import { desiredChains } from './desired-table.ts'
import { encodeSpread } from './encode-elements.ts'

/** Writes sets, chains and rules anew; within the transaction nobody sees a chain empty. */
export function writeFixedPart(
  transaction: NftTransaction,
  node: NodeTraffic,
  existingChains: readonly string[],
): void {
  transaction.addTable('Service traffic of this node, kept by frontdesk')
  for (const [index, set] of desiredSets(node.family).entries()) transaction.addSet(set, index + 1)
  transaction.flushSet('spreads')
  writeSpreads(
    transaction,
    existingChains.map(parseListChain).filter((shape) => shape !== undefined),
  )
  const chains = desiredChains(node)
  for (const { name, base } of chains) transaction.addChain(name, base)
  for (const { name } of chains) if (existingChains.includes(name)) transaction.flushChain(name)
  for (const { name, rules } of chains) {
    for (const { expressions, comment } of rules) transaction.addRule(name, expressions, comment)
  }
  const known = new Set(chains.map(({ name }) => name))
  const strange = existingChains.filter((name) => !known.has(name) && !parseListChain(name))
  // Only what an older version or somebody else made; nothing of ours refers to it.
  for (const name of strange) transaction.flushChain(name)
  for (const name of strange) transaction.deleteChain(name)
}

export function writeListChains(transaction: NftTransaction, family: IpFamily, shapes: readonly ListShape[]): void {
  for (const shape of shapes) {
    const name = listChain(shape)
    transaction.addChain(name).flushChain(name)
    for (const { expressions, comment } of listChainRules(family, shape)) {
      transaction.addRule(name, expressions, comment)
    }
  }
  writeSpreads(transaction, shapes)
}

function writeSpreads(transaction: NftTransaction, shapes: readonly ListShape[]): void {
  if (shapes.length === 0) return
  transaction.beginElements('spreads', false)
  for (const shape of shapes) {
    if (!transaction.hasRoom) transaction.beginElements('spreads', false)
    encodeSpread(transaction.writer, shape)
  }
  transaction.endElements()
}
