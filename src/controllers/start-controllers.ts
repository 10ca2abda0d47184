/** Starts all controllers over one client and one set of caches. */
import type { Client, EventRecorder } from '#client/contract.ts'
import type { Informers } from '#client/create-informers.ts'
import { recordEvents } from '#client/record-events.ts'
import type { Clock } from '#lib/clock.ts'
import type { Log } from '#observe/log.ts'
import type { Metrics } from '#observe/metrics.ts'
import type { Controller, ControllerDeps } from './contract.ts'
import { startDaemonSetController } from './daemonset/start.ts'
import { startDeploymentController } from './deployment/start.ts'
import { startEndpointsController } from './endpoints/start.ts'
import { startEndpointSliceController } from './endpointslice/start.ts'
import { startEndpointSliceMirroring } from './endpointslice-mirroring/start.ts'
import { startEventTtl } from './event-ttl/start.ts'
import { startGarbageCollector } from './garbage-collector/start.ts'
import { startNamespaceController } from './namespace/start.ts'
import { startNodeLifecycleController } from './node-lifecycle/start.ts'
import { startPodGarbageCollector } from './pod-gc/start.ts'
import { startReplicaSetController } from './replicaset/start.ts'
import { startResourceQuotaController } from './resource-quota/start.ts'
import { startScheduler } from './scheduler/start.ts'
import { startServiceAccountController } from './service-account/start.ts'
import { startDefaultCidrKeeper } from './service-cidr/keep-default.ts'
import { startServiceCidrController } from './service-cidr/start.ts'
import { startServiceIpRepair } from './service-ip/start.ts'
import { startStatefulSetController } from './statefulset/start.ts'

export interface ControllersDeps {
  readonly client: Client
  readonly informers: Pick<Informers, 'of' | 'synced'>
  readonly clock: Clock
  readonly log: Log
  /** Ranges of cluster IPs that the cluster is made with, primary first: kept. Absent: nobody keeps them. */
  readonly serviceCidrs?: readonly string[]
  /** PEM text of the CA that pods verify the API server by. */
  readonly rootCa: string
  readonly metrics?: Metrics
}

export interface RunningControllers extends AsyncDisposable {
  /** Resolves when no controller has anything to do (delayed work and events not counted). */
  idle(): Promise<void>
  /** Resolves when every cache that a controller reads is complete. */
  readonly synced: Promise<void>
}

export function startControllers(deps: ControllersDeps, signal: AbortSignal): RunningControllers {
  const stop = new AbortController()
  const stopping = AbortSignal.any([signal, stop.signal])
  const recorders: { idle(): Promise<void> }[] = []
  const as = (component: string): ControllerDeps => {
    const recordEvent = recordEvents({ ...deps, component }, stopping)
    recorders.push(recordEvent)
    return { ...deps, client: deps.client.named(component), recordEvent: recordEvent satisfies EventRecorder }
  }
  const controllers: Controller[] = [
    startScheduler(as('default-scheduler'), stopping),
    startEndpointSliceController(as('endpoint-slice-controller'), stopping),
    startReplicaSetController(as('replicaset-controller'), stopping),
    startDeploymentController(as('deployment-controller'), stopping),
    startStatefulSetController(as('statefulset-controller'), stopping),
    startDaemonSetController(as('daemonset-controller'), stopping),
    startEndpointsController(as('endpoint-controller'), stopping),
    startNodeLifecycleController(as('node-controller'), stopping),
    startPodGarbageCollector(as('pod-garbage-collector'), stopping),
    startEndpointSliceMirroring(as('endpoint-slice-mirroring-controller'), stopping),
    startServiceCidrController(as('service-cidr-controller'), stopping),
    ...(deps.serviceCidrs ? [startDefaultCidrKeeper(as('kube-apiserver'), deps.serviceCidrs, stopping)] : []),
    startServiceIpRepair(as('ipallocator-repair-controller'), stopping),
    startEventTtl(as('event-ttl-controller'), stopping),
    startResourceQuotaController(as('resourcequota-controller'), stopping),
    startServiceAccountController(as('service-account-controller'), deps, stopping),
    startNamespaceController(as('namespace-controller'), stopping),
    startGarbageCollector(as('garbage-collector-controller'), stopping),
  ]
  return {
    synced: deps.informers.synced,
    idle: async () => {
      await Promise.all(controllers.map((controller) => controller.idle()))
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await Promise.all([...controllers, ...recorders].map((running) => running.idle()))
    },
  }
}
