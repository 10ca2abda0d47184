/** Node ports: one number belongs to one Service of the cluster, for all protocols, whichever server hands it out. */
import type { ObjectStore } from '../objects/open-object-store.ts'
import { type AllocatorMetrics, createAllocatorMetrics } from './allocator-metrics.ts'
import { candidates, nodePortBand } from './address-bands.ts'
import { isSameOwner, NodePortLock, type PortOwner, renderNodePortLock } from './node-port-lock.ts'

export interface NodePorts {
  readonly first: number
  readonly last: number
  holderOf(port: number): PortOwner | undefined
  held(): ReadonlyMap<number, PortOwner>
  /** @returns whether the number was free and is now this owner's */
  take(port: number, owner: PortOwner): Promise<boolean>
  /** undefined when the range is full. */
  takeAny(owner: PortOwner): Promise<number | undefined>
  /** A free number that is none of `others`, for a dry run. */
  guess(others: ReadonlySet<number>): number | undefined
  giveBack(port: number, owner: PortOwner): Promise<void>
}

export interface NodePortRange {
  readonly first?: number
  readonly last?: number
  readonly random?: () => number
}

export function createNodePorts(
  objects: () => ObjectStore,
  range: NodePortRange = {},
  metrics: AllocatorMetrics = createAllocatorMetrics(undefined),
): NodePorts {
  const { first = 30_000, last = 32_767, random = Math.random } = range
  const band = nodePortBand(first, last)
  const lockOf = (port: number | bigint) =>
    objects().get(NodePortLock, undefined, String(port)) as unknown as NodePortLock | undefined
  /** Creation decides: what another server took a moment ago is refused by the store. */
  const lock = async (port: number, owner: PortOwner): Promise<boolean> => {
    if (lockOf(port)) return false
    return (await objects().create(NodePortLock, renderNodePortLock(port, owner))) !== 'conflict'
  }
  return {
    first,
    last,
    take: async (port, owner) => {
      const given = await lock(port, owner)
      metrics.nodePort('static', given)
      return given
    },
    holderOf: (port) => lockOf(port)?.spec,
    held: () =>
      new Map(
        objects()
          .list(NodePortLock)
          .map(({ object }) => [Number(object.metadata.name), (object as unknown as NodePortLock).spec]),
      ),
    takeAny: async (owner) => {
      for (const port of candidates(band, random, (value) => lockOf(value) !== undefined)) {
        if (!(await lock(Number(port), owner))) continue
        metrics.nodePort('dynamic', true)
        return Number(port)
      }
      metrics.nodePort('dynamic', false)
      return undefined
    },
    guess: (others) => {
      const isTaken = (value: bigint) => others.has(Number(value)) || lockOf(value) !== undefined
      const { value } = candidates(band, random, isTaken).next()
      return value === undefined ? undefined : Number(value)
    },
    giveBack: async (port, owner) => {
      const lock = lockOf(port)
      if (lock && isSameOwner(lock.spec, owner)) await objects().remove(NodePortLock, lock)
    },
  }
}
