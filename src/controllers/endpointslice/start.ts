/** Starts the EndpointSlice controller. */
import { EndpointSlice } from '#api/endpoint-slice.ts'
import { Node } from '#api/node.ts'
import { Pod } from '#api/pod.ts'
import { Service } from '#api/service.ts'
import type { Informer } from '#client/contract.ts'
import type { Controller, ControllerDeps } from '../contract.ts'
import { indexObjects } from '../object-index.ts'
import { keyOf } from '../object-key.ts'
import { openResource } from '../owned-resource.ts'
import { indexPodsByLabel } from '../selected-pods.ts'
import { indexServicesBySelector } from '../services-of-pod.ts'
import { startQueue } from '../start-queue.ts'
import { reconcileEndpointSlices } from './reconcile.ts'
import { createSliceMetrics } from './slice-metrics.ts'
import { controllerName, managedByLabel, serviceNameLabel } from './slice-identity.ts'
import { wantsZoneHints } from './topology-mode.ts'
import { shareFacts, zoneLabel, zoneShares } from './zone-shares.ts'
import type { ZoneShares } from './zone-shares.ts'

export function startEndpointSliceController(deps: ControllerDeps, signal: AbortSignal): Controller {
  const name = 'endpointslice'
  const services = deps.informers.of(Service)
  const pods = deps.informers.of(Pod)
  const nodes = deps.informers.of(Node)
  const slices = openResource(deps, EndpointSlice, signal)
  const selectPods = indexPodsByLabel(pods)
  const servicesOfPod = indexServicesBySelector(services)
  const slicesByService = indexObjects(slices.cache, serviceKeysOfSlice)
  const zones = watchZoneShares(nodes)
  const reconcile = reconcileEndpointSlices({
    ...deps,
    services,
    nodes,
    selectPods,
    slicesByService,
    slices,
    zoneShares: zones.shares,
    metrics: createSliceMetrics(deps.metrics),
  })
  const caches = [services, pods, nodes, slices.cache]
  const queue = startQueue(deps, { name, reconcile, caches }, signal)

  services.onChange(({ before, after }) => queue.add(keyOf((after ?? before)!)))
  pods.onChange(({ before, after }) => {
    for (const pod of [before, after]) for (const service of pod ? servicesOfPod(pod) : []) queue.add(keyOf(service))
  })
  slices.cache.onChange(({ before, after }) => {
    for (const slice of [before, after]) for (const key of slice ? serviceKeysOfSlice(slice) : []) queue.add(key)
  })
  nodes.onChange(({ before, after }) => {
    // Slices hold the zone of each node; nothing else of a node matters here.
    if (before && after && zoneOf(before) === zoneOf(after)) return
    const { name: nodeName } = (after ?? before)!.metadata
    for (const pod of pods.list()) {
      if (pod.spec.nodeName === nodeName) for (const service of servicesOfPod(pod)) queue.add(keyOf(service))
    }
  })
  zones.onChange(() => {
    for (const service of services.list()) if (wantsZoneHints(service)) queue.add(keyOf(service))
  })
  return { name, idle: () => queue.idle() }
}

/** Counted again only after something that matters has changed: heartbeats do not. */
function watchZoneShares(nodes: Informer<Node>): { shares: () => ZoneShares; onChange(handler: () => void): void } {
  let known: { readonly shares: ZoneShares } | undefined
  const handlers: (() => void)[] = []
  nodes.onChange(({ before, after }) => {
    if ((before ? shareFacts(before) : '') === (after ? shareFacts(after) : '')) return
    known = undefined
    for (const handler of handlers) handler()
  })
  return {
    shares: () => (known ??= { shares: zoneShares(nodes.list()) }).shares,
    onChange: (handler) => void handlers.push(handler),
  }
}

function serviceKeysOfSlice({ metadata }: EndpointSlice): string[] {
  const serviceName = metadata.labels?.[serviceNameLabel]
  return serviceName && metadata.labels?.[managedByLabel] === controllerName
    ? [`${metadata.namespace}/${serviceName}`]
    : []
}

function zoneOf(node: Node): string | undefined {
  return node.metadata.labels?.[zoneLabel]
}
