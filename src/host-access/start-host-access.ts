/** The host's way into the cluster, for any user: addresses of its loopback that lead to node ports and cluster IPs. */
import type { Socket } from 'node:net'
import { Node } from '#api/node.ts'
import { Service } from '#api/service.ts'
import type { Informers } from '#client/create-informers.ts'
import type { NamespaceBroker } from '#kernel/namespace-broker.ts'
import type { Log } from '#observe/log.ts'
import { openTargetSockets } from './open-target-sockets.ts'
import { desiredForwards, type NodeDoor, nodeDoorOf } from './plan-forwards.ts'
import { type Forwards, runForwards } from './run-forwards.ts'

export interface HostAccessOptions {
  /** Of Services and Nodes. */
  readonly informers: Pick<Informers, 'of'>
  readonly broker: NamespaceBroker
  /** The underlay's network namespace, from which connections go out; it has routes to the nodes and to Services. */
  readonly underlay: string
  /** Whether this process may listen on ports below 1024; otherwise those get substitutes (plan-host-address.ts). */
  readonly privileged: boolean
  readonly log: Log
}

export type HostAccess = Disposable & Pick<Forwards, 'open' | 'failed'>

/** Follows Services and Nodes until the signal aborts or the result is disposed of. */
export function startHostAccess(options: HostAccessOptions, signal: AbortSignal): HostAccess {
  const { informers, broker, underlay, privileged, log } = options
  const stack = new DisposableStack()
  const targetSockets = stack.use(openTargetSockets(broker, underlay))
  const forwards = stack.use(runForwards({ targetSockets, connections: new Set<Socket>(), log }))
  const services = informers.of(Service)
  let doors: readonly NodeDoor[] = []

  const update = (service: Service): void => forwards.set(ownerOf(service), desiredForwards(service, doors, privileged))

  services.onChange(({ before, after }) => {
    if (signal.aborted || stack.disposed) return
    if (after) update(after)
    else if (before) forwards.set(ownerOf(before), [])
  })

  const nodes = informers.of(Node)
  nodes.onChange(({ before, after }) => {
    if (signal.aborted || stack.disposed) return
    // nodes report often, and hardly ever other addresses
    if (isSameDoor(before && nodeDoorOf(before), after && nodeDoorOf(after))) return
    doors = nodes.list().flatMap((node) => nodeDoorOf(node) ?? [])
    for (const service of services.list()) update(service)
  })
  signal.addEventListener('abort', () => stack.dispose(), { once: true })
  return {
    open: () => forwards.open(),
    failed: () => forwards.failed(),
    [Symbol.dispose]: () => stack.dispose(),
  }
}

function ownerOf({ metadata }: Service): string {
  return `${metadata.namespace}/${metadata.name}`
}

function isSameDoor(a: NodeDoor | undefined, b: NodeDoor | undefined): boolean {
  return a?.hostAddress === b?.hostAddress && a?.internalIp === b?.internalIp
}
