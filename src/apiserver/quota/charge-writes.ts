/**
 * An object store whose quotas are always right: what a write uses, or no longer uses, goes to the store together with
 * the new status of every ResourceQuota that counts it, all or none. So nothing is ever charged for an object that is
 * not there, however many servers share the store and wherever one of them is killed.
 */
import type { Kind } from '#api/kind.ts'
import type { KubeObject } from '#api/meta.ts'
import { isCounted, isMeasured } from '#api/quota-usage.ts'
import { ResourceQuota } from '#api/resource-quota.ts'
import type { Clock } from '#lib/clock.ts'
import { modified } from '../api-errors.ts'
import type { ObjectChange, ObjectStore } from '../objects/open-object-store.ts'
import { listPrefix } from '../objects/storage-keys.ts'
import { sameJson } from '../write/same-json.ts'
import { planCharges, type QuotaWrite } from './plan-charges.ts'
import { Turns } from './turns.ts'

const quotaKind = ResourceQuota as unknown as Kind
/** Races for a quota that are lost, to other servers, before the answer is a conflict. */
const attempts = 20

/** The write as it is where no quota is concerned. */
type Alone = () => Promise<KubeObject | 'conflict'>

export function chargeWrites(objects: ObjectStore, clock: Clock): ObjectStore {
  const turns = new Turns()
  const plan = (change: ObjectChange) => planCharges(quotasFor(objects, change), quotaWrite(change, clock.nowMs()))

  const write = (change: ObjectChange, alone: Alone): ReturnType<Alone> =>
    quotasFor(objects, change).length === 0 ? alone() : weigh(change, alone)

  const weigh = async (change: ObjectChange, alone: Alone): ReturnType<Alone> => {
    const { before, after } = change
    // Most updates change nothing that is counted: they need not wait for their turn.
    if (before && after && plan(change).length === 0) return alone()
    return turns.take((after ?? before)!.metadata.namespace ?? '', () => charge(change, alone))
  }

  const charge = async (change: ObjectChange, alone: Alone): ReturnType<Alone> => {
    const { kind, before, after } = change
    const { namespace, name } = (after ?? before)!.metadata
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const charges = plan(change)
      if (charges.length === 0) return alone()
      const stored = await objects.commit([change, ...charges.map((each) => ({ kind: quotaKind, ...each }))])
      if (stored !== 'conflict') return stored[0]!
      await objects.fresh()
      // The object itself may be what has changed: that is the caller's business.
      const current = objects.get(kind, namespace, name)
      if (current?.metadata.resourceVersion !== before?.metadata.resourceVersion) return 'conflict'
    }
    throw modified(kind, name)
  }

  return {
    ...objects,
    create: (kind, after) => write({ kind, after }, () => objects.create(kind, after)),
    replace: (kind, before, after) => write({ kind, before, after }, () => objects.replace(kind, before, after)),
    remove: (kind, before) => write({ kind, before }, () => objects.remove(kind, before)),
  }
}

/** Refuses what would be refused; for dry runs. */
export function checkQuotas(objects: ObjectStore, change: ObjectChange, nowMs: number): void {
  const quotas = quotasFor(objects, change)
  if (quotas.length > 0) planCharges(quotas, quotaWrite(change, nowMs))
}

/** The quotas of the namespace, where the write can concern any. Without one this costs nothing. */
function quotasFor(objects: ObjectStore, { kind, before, after }: ObjectChange): readonly ResourceQuota[] {
  if (!isCounted(kind) || (before && after && !isMeasured(kind))) return []
  const quotas = objects.cacheOf(quotaKind)
  if (quotas.size === 0) return []
  const { namespace, name } = (after ?? before)!.metadata
  const found = quotas.list(listPrefix(quotaKind, namespace)).map(({ object }) => object as ResourceQuota)
  // A quota does not count itself while it comes or goes.
  return kind.plural === quotaKind.plural && kind.group === ''
    ? found.filter((quota) => quota.metadata.name !== name)
    : found
}

/** What only tells what is so, a status or how long a pod may run, is never refused. */
function quotaWrite({ kind, before, after }: ObjectChange, nowMs: number): QuotaWrite {
  const mayRefuse =
    after !== undefined && (!before || (kind.plural !== 'pods' && !sameJson(specOf(before), specOf(after))))
  return { kind, ...(before && { before }), ...(after && { after }), mayRefuse, nowMs }
}

const specOf = (object: KubeObject): unknown => (object as { spec?: unknown }).spec
