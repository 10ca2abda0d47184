/** Node ports: one number belongs to one Service of the cluster, for all protocols. */
import { nodePortBand, candidates } from './address-bands.ts'

export interface NodePorts {
  readonly first: number
  readonly last: number
  /** @returns whether the number is now this owner's (it may have been before) */
  take(port: number, owner: string): boolean
  /** undefined when the range is full. */
  takeAny(owner: string): number | undefined
  giveBack(port: number, owner: string): void
}

/** `held`: what Services of the store use already, asked for once at the first use. */
export function createNodePorts(
  held: () => Iterable<readonly [port: number, owner: string]>,
  options: { readonly first?: number; readonly last?: number; readonly random?: () => number } = {},
): NodePorts {
  const { first = 30_000, last = 32_767, random = Math.random } = options
  const band = nodePortBand(first, last)
  let owners: Map<number, string> | undefined
  const known = (): Map<number, string> => (owners ??= new Map(held()))
  return {
    first,
    last,
    take: (port, owner) => {
      const holder = known().get(port)
      if (holder !== undefined && holder !== owner) return false
      known().set(port, owner)
      return true
    },
    takeAny: (owner) => {
      const taken = known()
      const { value } = candidates(band, random, (port) => taken.has(Number(port))).next()
      if (value === undefined) return undefined
      taken.set(Number(value), owner)
      return Number(value)
    },
    giveBack: (port, owner) => {
      if (known().get(port) === owner) known().delete(port)
    },
  }
}
