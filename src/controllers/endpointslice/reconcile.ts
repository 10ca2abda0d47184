/** Makes the EndpointSlices of one Service match its pods. */
import type { EndpointSlice } from '#api/endpoint-slice.ts'
import type { Node } from '#api/node.ts'
import type { Service } from '#api/service.ts'
import type { Lister, Reconcile } from '#client/contract.ts'
import type { ControllerDeps } from '../contract.ts'
import { parseKey } from '../object-key.ts'
import type { ObjectIndex } from '../object-index.ts'
import type { OwnedResource } from '../owned-resource.ts'
import type { SelectedPods } from '../selected-pods.ts'
import { TriggerTimes } from '../trigger-time.ts'
import { awaitsNode, desiredEndpoints } from './desired-endpoints.ts'
import { planSlices } from './plan-slices.ts'
import type { SlicePlan } from './plan-slices.ts'
import { sliceIdentity } from './slice-identity.ts'
import type { SliceMetrics } from './slice-metrics.ts'
import { topologyEvents } from './topology-events.ts'
import { wantsZoneHints, withZoneHints } from './topology-mode.ts'
import type { ZoneShares } from './zone-shares.ts'

export interface EndpointSliceSources extends Pick<ControllerDeps, 'recordEvent'> {
  readonly services: Lister<Service>
  readonly nodes: Lister<Node>
  readonly selectPods: SelectedPods
  /** Our own slices, by `namespace/service`. */
  readonly slicesByService: ObjectIndex<EndpointSlice>
  readonly slices: OwnedResource<EndpointSlice>
  readonly zoneShares: () => ZoneShares
  readonly metrics: SliceMetrics
}

export function reconcileEndpointSlices(sources: EndpointSliceSources): Reconcile {
  const triggerTimes = new TriggerTimes()
  const tellTopology = topologyEvents(sources.recordEvent)
  return async (key) => {
    const service = sources.services.get(parseKey(key))
    // Slices of a deleted Service go with their owner; those of one that lost its selector are left to the user.
    if (!service || !hasEndpoints(service)) {
      tellTopology.forget(key)
      sources.metrics.forget(key)
      return triggerTimes.forget(key)
    }
    const { namespace = '' } = service.metadata
    const pods = sources.selectPods(namespace, { matchLabels: service.spec.selector ?? {} })
    const findNode = (name: string) => sources.nodes.get({ name })
    const existing = sources.slicesByService.get(key).filter((slice) => !slice.metadata.deletionTimestamp)
    const plain = desiredEndpoints({ service, pods, findNode })
    const hinted = wantsZoneHints(service)
      ? plain.map((family) => withZoneHints(family, sources.zoneShares(), existing))
      : undefined
    const desired = hinted?.map((family) => family.desired) ?? plain
    const identity = sliceIdentity(service, triggerTimes.next(key, service, pods))
    const plan = planSlices({ identity, existing, desired })
    await applyPlan(sources, service, plan)
    sources.metrics.synced(key, { service, existing, desired, plan })
    tellTopology.tell(key, service, hinted)
    const waiting = pods.find((pod) => awaitsNode({ service, findNode }, pod))
    if (waiting) throw new Error(`Cannot place pod ${waiting.metadata.name}: its node is not known yet`)
  }
}

/** Whether this controller is responsible: Services without a selector have endpoints of the user's own making. */
export function hasEndpoints(service: Service): boolean {
  return service.spec.selector !== undefined && service.spec.type !== 'ExternalName'
}

async function applyPlan(sources: EndpointSliceSources, service: Service, plan: SlicePlan): Promise<void> {
  const { slices, recordEvent } = sources
  try {
    const creates = service.metadata.deletionTimestamp ? [] : plan.create
    await Promise.all([
      ...plan.update.map((slice) => slices.update(slice)),
      ...creates.map((slice) => slices.create(slice)),
    ])
    await Promise.all(plan.delete.map((slice) => slices.delete(slice)))
  } catch (error) {
    sources.metrics.failed()
    const { namespace, name } = service.metadata
    const reason = `Error updating Endpoint Slices for Service ${namespace}/${name}: ${String(error)}`
    recordEvent(service, 'Warning', 'FailedToUpdateEndpointSlices', reason)
    throw error
  }
}
