/** Deletes what lost its owners, and carries out foreground deletion and orphaning, for one object of any kind. */
import type { Kind } from '#api/kind.ts'
import type { KubeObject, OwnerReference } from '#api/meta.ts'
import { isNotFound } from '#api/status-error.ts'
import type { Client, EventRecorder, ObjectRef, Reconcile } from '#client/contract.ts'
import { refOf } from '../object-key.ts'
import type { Graph } from './object-graph.ts'
import {
  blocksDeletionOf,
  foregroundFinalizer,
  isDeletingDependents,
  isOrphaningDependents,
} from './plan-collection.ts'
import { orphanFinalizer, planCollection } from './plan-collection.ts'
import type { OwnerState } from './plan-collection.ts'

export interface GarbageSources {
  readonly client: Client
  readonly graph: Graph
  readonly recordEvent: EventRecorder
  readonly enqueue: (object: KubeObject) => void
}

export function reconcileGarbage(sources: GarbageSources): Reconcile {
  return async (key) => {
    const found = sources.graph.find(key)
    if (!found) return
    const { object, kind } = found
    if (isOrphaningDependents(object)) return orphanDependents(sources, kind, object)
    if (isDeletingDependents(object)) return deleteDependents(sources, kind, object)
    await collect(sources, kind, object)
  }
}

async function orphanDependents({ client, graph }: GarbageSources, kind: Kind, owner: KubeObject): Promise<void> {
  const { uid = '' } = owner.metadata
  await Promise.all(graph.dependentsOf(uid).map(({ kind: of, object }) => dropOwners(client, of, object, [uid])))
  await dropFinalizer(client, kind, owner, orphanFinalizer)
}

async function deleteDependents(sources: GarbageSources, kind: Kind, owner: KubeObject): Promise<void> {
  const { uid = '' } = owner.metadata
  const dependents = sources.graph.dependentsOf(uid)
  const blocking = dependents.filter(({ object }) => blocksDeletionOf(object, uid))
  if (blocking.length === 0) await dropFinalizer(sources.client, kind, owner, foregroundFinalizer)
  for (const { object } of dependents) if (!object.metadata.deletionTimestamp) sources.enqueue(object)
}

async function collect(sources: GarbageSources, kind: Kind, object: KubeObject): Promise<void> {
  const { client, graph } = sources
  const { ownerReferences = [], uid = '', resourceVersion = '' } = object.metadata
  if (ownerReferences.length === 0 || object.metadata.deletionTimestamp) return
  const states = new Map<OwnerReference, OwnerState>()
  for (const owner of ownerReferences) states.set(owner, await stateOfOwner(sources, object, owner))
  const hasBlockingDependents = graph.dependentsOf(uid).some((dependent) => blocksDeletionOf(dependent.object, uid))
  const plan = planCollection({ object, stateOf: (owner) => states.get(owner) ?? 'alive', hasBlockingDependents })
  if (plan.action === 'none') return
  if (plan.action === 'dropOwners') return dropOwners(client, kind, object, plan.uids)
  const { propagationPolicy } = plan
  // Both preconditions: what has changed meanwhile may have found a new owner.
  const preconditions = { uid, resourceVersion }
  await ignoreGone(client.of(kind).delete(refOf(object), { propagationPolicy, preconditions }))
}

/** Absence in the cache may only be lag: an owner counts as gone when the server says so. */
async function stateOfOwner(sources: GarbageSources, object: KubeObject, owner: OwnerReference): Promise<OwnerState> {
  const { client, graph, recordEvent } = sources
  const known = graph.byUid(owner.uid)
  if (known && isReachable(known.object, object))
    return isDeletingDependents(known.object) ? 'deletingDependents' : 'alive'
  if (known) {
    const place = object.metadata.namespace ?? ''
    const message = `ownerRef [${owner.apiVersion}/${owner.kind}, name: ${owner.name}, uid: ${owner.uid}] does not exist in namespace "${place}"`
    recordEvent(object, 'Warning', 'OwnerRefInvalidNamespace', message)
    return 'absent'
  }
  if (graph.isKnownAbsent(owner.uid)) return 'absent'
  const kind = graph.kindOf(owner)
  // Without its kind nobody can tell whether the owner lives; what nobody can tell is left alone.
  if (!kind || (kind.namespaced && object.metadata.namespace === undefined)) return 'alive'
  const live = await getLive(client, kind, ownerRef(kind, owner, object))
  if (live?.metadata.uid !== owner.uid) {
    graph.markAbsent(owner.uid)
    return 'absent'
  }
  return isDeletingDependents(live) ? 'deletingDependents' : 'alive'
}

/** Owners live in the dependent's namespace or in none. */
function isReachable(owner: KubeObject, dependent: KubeObject): boolean {
  return owner.metadata.namespace === undefined || owner.metadata.namespace === dependent.metadata.namespace
}

function ownerRef(kind: Kind, owner: OwnerReference, { metadata }: KubeObject): ObjectRef {
  return kind.namespaced && metadata.namespace !== undefined
    ? { namespace: metadata.namespace, name: owner.name }
    : { name: owner.name }
}

async function getLive(client: Client, kind: Kind, ref: ObjectRef): Promise<KubeObject | undefined> {
  try {
    return await client.of(kind).get(ref)
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

async function dropOwners(client: Client, kind: Kind, object: KubeObject, uids: readonly string[]): Promise<void> {
  const { ownerReferences = [], uid, resourceVersion } = object.metadata
  const kept = ownerReferences.filter((owner) => !uids.includes(owner.uid))
  const patch = { metadata: { uid, resourceVersion, ownerReferences: kept } }
  await ignoreGone(client.of(kind).patch(refOf(object), 'merge', patch))
}

async function dropFinalizer(client: Client, kind: Kind, object: KubeObject, finalizer: string): Promise<void> {
  const { finalizers = [], uid, resourceVersion } = object.metadata
  const kept = finalizers.filter((name) => name !== finalizer)
  const patch = { metadata: { uid, resourceVersion, finalizers: kept } }
  await ignoreGone(client.of(kind).patch(refOf(object), 'merge', patch))
}

/** A conflict is thrown on: the queue looks again at once, at what the cache knows by then. */
async function ignoreGone(writing: Promise<unknown>): Promise<void> {
  try {
    await writing
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}
