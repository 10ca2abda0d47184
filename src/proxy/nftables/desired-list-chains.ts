/** The chains that spread connections over a list: one per number of endpoints, whatever Services have so many. */
import type { IpFamily } from '#lib/ip.ts'
import {
  changeSet,
  ctKey,
  dnat,
  loadCt,
  lookup,
  random,
  reg,
  storeCt,
  verdict,
} from '#kernel/netlink/nft-expressions.ts'
import { familyTerms, listNumber, nobodyChain, type Rule } from './rule-terms.ts'

export interface ListShape {
  readonly count: number
  readonly affinitySeconds: number
}

/** Which chain spreads connections over a list of so many endpoints. */
export const listChain = ({ count, affinitySeconds }: ListShape): string =>
  affinitySeconds === 0 ? `lb-${count}` : `lb-${count}-for-${affinitySeconds}s`

/** More endpoints of one list are not used. */
export const maxListLength = (1 << 15) - 1

/**
 * A shape as a number: what map `lists` says of a list, and the key of its chain in map `spreads`. Times go up to a day
 * (86,400 s). No list is empty, so no shape has the number of a length in a mark.
 */
export const shapeNumber = (count: number, affinitySeconds: number): number => affinitySeconds * (1 << 15) + count

export const shapeOf = (number: number): ListShape => ({
  count: number & maxListLength,
  affinitySeconds: number >>> 15,
})

export function parseListChain(name: string): ListShape | undefined {
  const match = /^lb-(\d+)(?:-for-(\d+)s)?$/.exec(name)
  return match ? { count: Number(match[1]), affinitySeconds: Number(match[2] ?? 0) } : undefined
}

export function listChainRules(family: IpFamily, { count, affinitySeconds }: ListShape): Rule[] {
  const terms = familyTerms(family)
  // The second choice matters when a list shrinks between two lookups of one packet: slot 0 exists as long as the list.
  const choices = [
    { modulus: count, comment: undefined },
    { modulus: 1, comment: 'the list has just shrunk' },
  ]
  const choose = (modulus: number, map: string, dreg: number) => [
    ...listNumber(0),
    random(modulus, reg(1)),
    lookup(map, reg(0), dreg),
  ]
  const translate = dnat(terms.number, reg(8), reg(8 + terms.width))
  const nobody = { expressions: [verdict({ kind: 'goto', chain: nobodyChain })] }
  if (affinitySeconds === 0) {
    return [
      ...choices.map(({ modulus, comment }) => ({
        ...(comment && { comment }),
        expressions: [...choose(modulus, 'slots', reg(8)), translate],
      })),
      nobody,
    ]
  }
  const clientKey = [terms.saddr(0), ...listNumber(terms.width)]
  const toChosen = [loadCt(ctKey.mark, reg(0)), lookup('endpoints', reg(0), reg(8)), translate]
  const remember = (operation: 'update' | 'delete', timeoutMs: number) => [
    ...clientKey,
    loadCt(ctKey.mark, reg(12)),
    changeSet('affinity', operation, reg(0), reg(12), timeoutMs),
  ]
  const timeoutMs = affinitySeconds * 1000
  return [
    {
      comment: 'a client that was here before',
      expressions: [
        ...clientKey,
        lookup('affinity', reg(0), reg(12)),
        storeCt(ctKey.mark, reg(12)),
        ...remember('update', timeoutMs),
        ...toChosen,
      ],
    },
    ...choices.flatMap(({ modulus, comment }) => [
      {
        ...(comment && { comment }),
        expressions: [...choose(modulus, 'affinity-slots', reg(12)), storeCt(ctKey.mark, reg(12))],
      },
      // Updating an element refreshes its time but keeps its data: it has to go first. A full map must not stop us.
      { expressions: remember('delete', 0) },
      { expressions: remember('update', timeoutMs) },
      { expressions: toChosen },
    ]),
    nobody,
  ]
}
