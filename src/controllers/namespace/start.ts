/** Starts the namespace controller. */
import { Namespace } from '#api/namespace.ts'
import { kinds } from '#api/registry.ts'
import type { WorkQueue } from '#client/contract.ts'
import type { Controller, ControllerDeps } from '../contract.ts'
import { keyOf } from '../object-key.ts'
import { openResource } from '../owned-resource.ts'
import { startQueue } from '../start-queue.ts'
import { reconcileNamespaces } from './reconcile.ts'

export function startNamespaceController(deps: ControllerDeps, signal: AbortSignal): Controller {
  const name = 'namespace'
  const namespaces = openResource(deps, Namespace, signal)
  const contents = kinds.filter((kind) => kind.namespaced)
  const reconcile = reconcileNamespaces({ ...deps, namespaces, kinds: contents, queue: () => queue })
  const queue: WorkQueue = startQueue(deps, { name, reconcile, caches: [namespaces.cache] }, signal)

  namespaces.cache.onChange(({ after }) => {
    if (after?.metadata.deletionTimestamp) queue.add(keyOf(after))
  })
  for (const kind of contents) {
    deps.informers.of(kind).onChange(({ before, after }) => {
      const namespace = before?.metadata.namespace
      if (after || !namespace) return
      if (namespaces.cache.get({ name: namespace })?.metadata.deletionTimestamp) queue.add(namespace)
    })
  }
  return { name, idle: () => queue.idle() }
}
