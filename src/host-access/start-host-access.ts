/** The host's way into the cluster, for any user: addresses of its loopback that lead to node ports and cluster IPs. */
import type { Socket } from 'node:net'
import { Node } from '#api/node.ts'
import { Service } from '#api/service.ts'
import type { Client } from '#client/contract.ts'
import type { Informers } from '#client/create-informers.ts'
import { recordEvents } from '#client/record-events.ts'
import type { NamespaceBroker } from '#kernel/namespace-broker.ts'
import { systemClock } from '#lib/clock.ts'
import type { Log } from '#observe/log.ts'
import { openTargetSockets } from './open-target-sockets.ts'
import { desiredForwards, type NodeDoor, nodeDoorOf } from './plan-forwards.ts'
import { type ForwardContext, type Forwards, runForwards } from './run-forwards.ts'
import { type LocalhostOptions, startLocalhostPorts } from './start-localhost-ports.ts'

export interface HostAccessOptions {
  /** Of Services and Nodes. */
  readonly informers: Pick<Informers, 'of'>
  readonly broker: NamespaceBroker
  /** The underlay's network namespace, from which connections go out; it has routes to the nodes and to Services. */
  readonly underlay: string
  /** Whether this process may listen on ports below 1024; otherwise those get substitutes (plan-host-address.ts). */
  readonly privileged: boolean
  /** Absent: load balancers get no ports of 127.0.0.1, as these are remembered in the Services. */
  readonly client?: Client
  readonly log: Log
}

export type HostAccess = Disposable & Pick<Forwards, 'open' | 'failed'>

/** Follows Services and Nodes until the signal aborts or the result is disposed of. */
export function startHostAccess(options: HostAccessOptions, signal: AbortSignal): HostAccess {
  const { informers, broker, underlay, privileged, client, log } = options
  const stack = new DisposableStack()
  const targetSockets = stack.use(openTargetSockets(broker, underlay))
  const context = { targetSockets, connections: new Set<Socket>(), log }
  const forwards = stack.use(runForwards(context))
  if (client) {
    const stop = new AbortController()
    stack.defer(() => stop.abort())
    startLocalhostPorts(localhostOptions(client, informers, context, stop.signal), stop.signal)
  }
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

function localhostOptions(
  client: Client,
  informers: Pick<Informers, 'of'>,
  context: ForwardContext,
  signal: AbortSignal,
): LocalhostOptions {
  const component = 'frontdesk-host-access'
  const recordEvent = recordEvents({ client, component, log: context.log }, signal)
  return { client: client.named(component), informers, recordEvent, context, clock: systemClock }
}

function ownerOf({ metadata }: Service): string {
  return `${metadata.namespace}/${metadata.name}`
}

function isSameDoor(a: NodeDoor | undefined, b: NodeDoor | undefined): boolean {
  return a?.hostAddress === b?.hostAddress && a?.internalIps.join() === b?.internalIps.join()
}
