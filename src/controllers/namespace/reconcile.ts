/** Empties one namespace that is being deleted, then lets it go. */
import type { Kind } from '#api/kind.ts'
import { Namespace } from '#api/namespace.ts'
import { isConflict, isNotFound } from '#api/status-error.ts'
import type { Client, Reconcile, WorkQueue } from '#client/contract.ts'
import { isEqualJson } from '../compare-values.ts'
import type { ControllerDeps } from '../contract.ts'
import { refOf } from '../object-key.ts'
import type { OwnedResource } from '../owned-resource.ts'
import { desiredConditions } from './desired-conditions.ts'
import type { Remaining } from './desired-conditions.ts'

export interface NamespaceSources extends Pick<ControllerDeps, 'clock'> {
  readonly client: Client
  readonly namespaces: OwnedResource<Namespace>
  /** Every kind whose objects live in namespaces. */
  readonly kinds: readonly Kind[]
  readonly queue: () => Pick<WorkQueue, 'addAfter'>
}

const finalizer = 'kubernetes'
/** Deletions of contents bring us back by themselves; this is for what the caches may miss. */
const recheckMs = 2_000

export function reconcileNamespaces(sources: NamespaceSources): Reconcile {
  return async (key) => {
    const namespace = sources.namespaces.cache.get({ name: key })
    if (!namespace?.metadata.deletionTimestamp || !namespace.spec.finalizers?.includes(finalizer)) return
    const remaining = (await Promise.all(sources.kinds.map((kind) => empty(sources.client, kind, key)))).flat()
    await writeStatus(sources, namespace, remaining)
    if (remaining.length > 0) return sources.queue().addAfter(key, recheckMs)
    await finalize(sources, namespace)
  }
}

/** Deletes everything of one kind. @returns what is still there afterwards */
async function empty(client: Client, kind: Kind, namespace: string): Promise<Remaining[]> {
  const resource = client.of(kind)
  const { items } = await resource.list({ namespace })
  if (items.length === 0) return []
  await Promise.all(
    items
      .filter(({ metadata }) => !metadata.deletionTimestamp)
      .map((item) => ignoreGone(resource.delete(refOf(item), { propagationPolicy: 'Background' }))),
  )
  const left = await resource.list({ namespace })
  return left.items.map(({ metadata }) => ({
    resource: `${kind.plural}.${kind.group}`,
    name: metadata.name,
    finalizers: metadata.finalizers ?? [],
  }))
}

async function ignoreGone(deleting: Promise<void>): Promise<void> {
  try {
    await deleting
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error
  }
}

async function writeStatus(sources: NamespaceSources, namespace: Namespace, remaining: readonly Remaining[]) {
  const conditions = desiredConditions(namespace, remaining, sources.clock.nowMs())
  const status = { ...namespace.status, phase: 'Terminating' as const, conditions }
  if (isEqualJson(status, namespace.status)) return
  await sources.namespaces.updateStatus({ ...namespace, status })
}

async function finalize({ client, namespaces }: NamespaceSources, seen: Namespace): Promise<void> {
  const namespace = namespaces.cache.get(refOf(seen))
  if (!namespace || namespace.metadata.uid !== seen.metadata.uid) return
  const finalizers = (namespace.spec.finalizers ?? []).filter((name) => name !== finalizer)
  const body = { ...namespace, spec: { ...namespace.spec, finalizers } }
  try {
    await client.of(Namespace).updateSubresource(refOf(namespace), 'finalize', body)
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}
