/** What every part of a node agent works with. */
import type { AddressPlan, NodeAddresses } from '#lib/address-plan.ts'
import type { Clock } from '#lib/clock.ts'
import type { Client, EventRecorder, Lister } from '#client/contract.ts'
import type { Service } from '#api/service.ts'
import type { KernelBroker } from '#kernel/start-namespace-broker.ts'
import type { ClusterPaths } from '#kernel/cluster-paths.ts'
import type { Log } from '#observe/log.ts'
import type { ReferencedObjects } from './environment/build-environment.ts'
import type { ResolverConfig } from './environment/render-resolv-conf.ts'
import type { ImageStore } from './images/contract.ts'
import type { PodAddresses } from './node/open-pod-addresses.ts'
import type { RouteWithdrawals } from './pod/route-withdrawals.ts'

export interface AgentContext {
  readonly client: Client
  readonly nodeName: string
  readonly plan: AddressPlan
  readonly addresses: NodeAddresses
  readonly paths: ClusterPaths
  /** `pods/` of the cluster's directory. */
  readonly podsDir: string
  /** What `localhost/host` must not show: the cluster's own directory is reachable, its mounts are not. */
  readonly broker: KernelBroker
  readonly images: ImageStore
  readonly clock: Clock
  readonly log: Log
  readonly events: EventRecorder
  readonly objects: ReferencedObjects
  readonly services: Lister<Service>
  readonly podAddresses: PodAddresses
  readonly withdrawals: RouteWithdrawals
  /** As it is now: pods have what it was when their containers started. */
  readonly hostResolver: () => ResolverConfig
  /** Variables of `localhost/host` containers: PATH and the like. */
  readonly hostEnv: readonly string[]
  readonly allocatable: Readonly<Record<string, string>>
}
