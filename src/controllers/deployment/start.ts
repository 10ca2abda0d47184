/** Starts the Deployment controller. */
import { Deployment } from '#api/deployment.ts'
import { Pod } from '#api/pod.ts'
import { ReplicaSet } from '#api/replica-set.ts'
import type { WorkQueue } from '#client/contract.ts'
import type { Controller, ControllerDeps } from '../contract.ts'
import { controllerOf } from '../controller-ref.ts'
import { matchesSelector } from '../match-labels.ts'
import { controllerIndexValues, indexObjects } from '../object-index.ts'
import { keyOf } from '../object-key.ts'
import { openResource } from '../owned-resource.ts'
import { startQueue } from '../start-queue.ts'
import { reconcileDeployments } from './reconcile.ts'

export function startDeploymentController(deps: ControllerDeps, signal: AbortSignal): Controller {
  const name = 'deployment'
  const deployments = openResource(deps, Deployment, signal)
  const sets = openResource(deps, ReplicaSet, signal)
  const pods = deps.informers.of(Pod)
  const setsByController = indexObjects(sets.cache, controllerIndexValues)
  const setsByUid = indexObjects(sets.cache, ({ metadata }) => [metadata.uid ?? ''])
  const podsByController = indexObjects(pods, controllerIndexValues)
  const deploymentsByUid = indexObjects(deployments.cache, ({ metadata }) => [metadata.uid ?? ''])
  const requests = deps.client.of(Deployment)
  const sources = { ...deps, deployments, requests, sets, setsByController, podsByController, queue: () => queue }
  const reconcile = reconcileDeployments(sources)
  const caches = [deployments.cache, sets.cache, pods]
  const queue: WorkQueue = startQueue(deps, { name, reconcile, caches }, signal)

  const ownersOf = (set: ReplicaSet): readonly Deployment[] => {
    const owner = controllerOf(set)
    if (owner) return deploymentsByUid.get(owner.uid)
    const candidates = deployments.cache.list(set.metadata.namespace)
    return candidates.filter(({ spec }) => matchesSelector(spec.selector, set.metadata.labels))
  }
  deployments.cache.onChange(({ before, after }) => queue.add(keyOf((after ?? before)!)))
  sets.cache.onChange(({ before, after }) => {
    for (const set of [before, after]) for (const owner of set ? ownersOf(set) : []) queue.add(keyOf(owner))
  })
  pods.onChange(({ before, after }) => {
    // Only Recreate waits for pods themselves: for the last old one to be gone.
    const set = before && !after ? setsByUid.get(controllerOf(before)?.uid ?? '')[0] : undefined
    for (const owner of set ? ownersOf(set) : []) if (owner.spec.strategy?.type === 'Recreate') queue.add(keyOf(owner))
  })
  return { name, idle: () => queue.idle() }
}
