/** Starts the controller that copies Endpoints made by users into EndpointSlices. */
import { EndpointSlice } from '#api/endpoint-slice.ts'
import { Endpoints } from '#api/endpoints.ts'
import { Service } from '#api/service.ts'
import { isEqualJson } from '../compare-values.ts'
import type { Controller, ControllerDeps } from '../contract.ts'
import { planSlices } from '../endpointslice/plan-slices.ts'
import { managedByLabel, serviceNameLabel } from '../endpointslice/slice-identity.ts'
import { indexObjects } from '../object-index.ts'
import { keyOf, parseKey } from '../object-key.ts'
import { openResource } from '../owned-resource.ts'
import { startQueue } from '../start-queue.ts'
import { desiredMirror, maxPerSubset, mirrorIdentity, mirroringController, shouldMirror } from './desired-mirror.ts'

export function startEndpointSliceMirroring(deps: ControllerDeps, signal: AbortSignal): Controller {
  const name = 'endpointslice-mirroring'
  const services = deps.informers.of(Service)
  const endpointsCache = deps.informers.of(Endpoints)
  const slices = openResource(deps, EndpointSlice, signal)
  const slicesByService = indexObjects(slices.cache, mirroredServiceKeys)

  const reconcile = async (key: string) => {
    const endpoints = endpointsCache.get(parseKey(key))
    const existing = slicesByService.get(key).filter(({ metadata }) => !metadata.deletionTimestamp)
    if (!endpoints || !shouldMirror(endpoints, services.get(parseKey(key)))) {
      await Promise.all(existing.map((slice) => slices.delete(slice)))
      return
    }
    const { desired, invalid, tooMany } = desiredMirror(endpoints)
    for (const ip of invalid) {
      deps.recordEvent(
        endpoints,
        'Warning',
        'InvalidIPAddress',
        `Skipped invalid IP ${ip} when mirroring to EndpointSlices`,
      )
    }
    if (tooMany > 0) {
      const message = `A max of ${maxPerSubset} addresses can be mirrored to EndpointSlices per Endpoints subset. ${tooMany} addresses were skipped`
      deps.recordEvent(endpoints, 'Warning', 'TooManyAddressesToMirror', message)
    }
    const identity = mirrorIdentity(endpoints)
    const { annotations } = identity
    const plan = planSlices({ identity, existing, desired, maxEndpointsPerSlice: maxPerSubset })
    const stale = existing.filter(
      (slice) =>
        !isEqualJson(slice.metadata.annotations ?? {}, annotations) &&
        !plan.delete.includes(slice) &&
        !plan.update.some(({ metadata }) => metadata.name === slice.metadata.name),
    )
    await Promise.all([
      ...[...plan.update, ...stale].map((slice) =>
        slices.update({ ...slice, metadata: { ...slice.metadata, annotations } }),
      ),
      ...plan.create.map((slice) => slices.create({ ...slice, metadata: { ...slice.metadata, annotations } })),
    ])
    await Promise.all(plan.delete.map((slice) => slices.delete(slice)))
  }

  const queue = startQueue(deps, { name, reconcile, caches: [services, endpointsCache, slices.cache] }, signal)
  for (const cache of [services, endpointsCache]) {
    cache.onChange(({ before, after }) => queue.add(keyOf((after ?? before)!)))
  }
  slices.cache.onChange(({ before, after }) => {
    for (const slice of [before, after]) for (const key of slice ? mirroredServiceKeys(slice) : []) queue.add(key)
  })
  return { name, idle: () => queue.idle() }
}

function mirroredServiceKeys({ metadata }: EndpointSlice): string[] {
  const serviceName = metadata.labels?.[serviceNameLabel]
  const isOurs = metadata.labels?.[managedByLabel] === mirroringController
  return serviceName && isOurs ? [`${metadata.namespace}/${serviceName}`] : []
}
