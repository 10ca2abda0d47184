/** Starts the Endpoints controller. */
import { setTimeout as delay } from 'node:timers/promises'
import { triggerTimeAnnotation } from '#api/endpoint-slice.ts'
import { Endpoints } from '#api/endpoints.ts'
import { Pod } from '#api/pod.ts'
import { Service } from '#api/service.ts'
import { isNotFound } from '#api/status-error.ts'
import { isEqualJson } from '../compare-values.ts'
import type { Controller, ControllerDeps } from '../contract.ts'
import { hasEndpoints } from '../endpointslice/reconcile.ts'
import { keyOf, parseKey } from '../object-key.ts'
import { openResource } from '../owned-resource.ts'
import { indexPodsByLabel } from '../selected-pods.ts'
import { indexServicesBySelector } from '../services-of-pod.ts'
import { startQueue } from '../start-queue.ts'
import { TriggerTimes } from '../trigger-time.ts'
import { desiredEndpointsContent, endpointsDraft, overCapacityAnnotation } from './desired-endpoints-object.ts'
import { managedByLabel, managedByValue } from './desired-endpoints-object.ts'

/** Traffic goes by EndpointSlices: they and the rules made of them go first, and one write here covers all changes of it. */
const pauseMs = 5
/** Of keys that share a pause. */
const concurrency = 100

export function startEndpointsController(deps: ControllerDeps, signal: AbortSignal): Controller {
  const name = 'endpoints'
  const services = deps.informers.of(Service)
  const pods = deps.informers.of(Pod)
  const endpoints = openResource(deps, Endpoints, signal)
  const selectPods = indexPodsByLabel(pods)
  const servicesOfPod = indexServicesBySelector(services)
  const triggerTimes = new TriggerTimes()
  const deletedServices = new Set<string>()

  const pause = sharedPause()

  const reconcile = async (key: string) => {
    await pause()
    const service = services.get(parseKey(key))
    const existing = endpoints.cache.get(parseKey(key))
    if (!service) {
      triggerTimes.forget(key)
      // A user's own Endpoints go with their Service too, but may well be there before it.
      if (existing && (isOurs(existing) || deletedServices.has(key))) await ignoreGone(endpoints.delete(existing))
      deletedServices.delete(key)
      return
    }
    if (!hasEndpoints(service)) return
    const matching = selectPods(service.metadata.namespace ?? '', { matchLabels: service.spec.selector ?? {} })
    const content = desiredEndpointsContent(service, matching)
    const triggerTime = triggerTimes.next(key, service, matching)
    if (existing && isCurrent(existing, content)) return
    const draft = endpointsDraft(service, content, triggerTime)
    if (!existing) await endpoints.create(draft)
    else await endpoints.update({ ...existing, ...draft, metadata: merged(existing, draft.metadata) } as Endpoints)
  }

  const caches = [services, pods, endpoints.cache]
  const queue = startQueue(deps, { name, reconcile, caches, concurrency }, signal)
  services.onChange(({ before, after }) => {
    const key = keyOf((after ?? before)!)
    if (!after) deletedServices.add(key)
    queue.add(key)
  })
  endpoints.cache.onChange(({ before, after }) => queue.add(keyOf((after ?? before)!)))
  pods.onChange(({ before, after }) => {
    for (const pod of [before, after]) for (const service of pod ? servicesOfPod(pod) : []) queue.add(keyOf(service))
  })
  return { name, idle: () => queue.idle() }
}

/** All that ask for it during a pause wait for its end. */
function sharedPause(): () => Promise<void> {
  let pausing: Promise<void> | undefined
  return () =>
    (pausing ??= delay(pauseMs).then(() => {
      pausing = undefined
    }))
}

function isOurs({ metadata }: Endpoints): boolean {
  return metadata.labels?.[managedByLabel] === managedByValue
}

function isCurrent(existing: Endpoints, content: ReturnType<typeof desiredEndpointsContent>): boolean {
  const truncated = existing.metadata.annotations?.[overCapacityAnnotation] === 'truncated'
  return (
    truncated === content.truncated &&
    isEqualJson(existing.metadata.labels ?? {}, content.labels) &&
    isEqualJson(existing.subsets ?? [], content.subsets)
  )
}

function merged(existing: Endpoints, drafted: Endpoints['metadata']): Endpoints['metadata'] {
  const {
    [triggerTimeAnnotation]: _time,
    [overCapacityAnnotation]: _mark,
    ...kept
  } = existing.metadata.annotations ?? {}
  const labels = drafted.labels ?? {}
  return { ...existing.metadata, labels, annotations: { ...kept, ...drafted.annotations } }
}

async function ignoreGone(deleting: Promise<void>): Promise<void> {
  try {
    await deleting
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}
