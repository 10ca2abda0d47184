/** What is wrong between Services and the locks of their node ports. Pure. */
import type { Service } from '#api/service.ts'
import { portsOf } from './held-values.ts'
import { isSameOwner, type PortOwner, portOwnerOf } from './node-port-lock.ts'

export interface PortRepair {
  readonly service: Service
  readonly port: number
  /** Reason of the event about the Service. */
  readonly reason: 'PortNotAllocated' | 'PortAlreadyAllocated' | 'PortOutOfRange'
  readonly message: string
  /** Whose lock is to be taken away first: it belongs to nobody who uses it. */
  readonly stale?: PortOwner
  /** Whether the number is to be locked for the Service. */
  readonly take: boolean
}

export interface PortLeak {
  readonly port: number
  readonly owner: PortOwner
}

export interface PortState {
  readonly services: readonly Service[]
  readonly held: ReadonlyMap<number, PortOwner>
  readonly first: number
  readonly last: number
}

export function planNodePortRepair(state: PortState): { repairs: PortRepair[]; leaks: PortLeak[] } {
  const users = Map.groupBy(
    state.services.flatMap((service) => portsOf(service.spec).map((port) => ({ port, service }))),
    ({ port }) => port,
  )
  const uses = (port: number, owner: PortOwner) =>
    users.get(port)?.some(({ service }) => isSameOwner(portOwnerOf(service), owner)) ?? false
  const repairs = [...users.values()].flatMap((sharing) =>
    sharing.flatMap(({ service, port }, index) => repairOf(state, { service, port, isFirst: index === 0, uses })),
  )
  const leaks = [...state.held].flatMap(([port, owner]) => (uses(port, owner) ? [] : [{ port, owner }]))
  return { repairs, leaks }
}

interface Use {
  readonly service: Service
  readonly port: number
  /** Of those that use this number. */
  readonly isFirst: boolean
  readonly uses: (port: number, owner: PortOwner) => boolean
}

function repairOf({ held, first, last }: PortState, { service, port, isFirst, uses }: Use): PortRepair[] {
  const about = { service, port }
  if (port < first || port > last) {
    const message = `Port ${port} is not within the port range ${first}-${last}; please recreate service`
    return [{ ...about, reason: 'PortOutOfRange', message, take: false }]
  }
  const holder = held.get(port)
  if (holder && isSameOwner(holder, portOwnerOf(service))) return []
  if (holder ? uses(port, holder) : !isFirst) {
    const message = `Port ${port} was assigned to multiple services; please recreate service`
    return [{ ...about, reason: 'PortAlreadyAllocated', message, take: false }]
  }
  const message = `Port ${port} is not allocated; repairing`
  return [{ ...about, reason: 'PortNotAllocated', message, take: isFirst, ...(holder && { stale: holder }) }]
}
