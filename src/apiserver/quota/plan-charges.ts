/** What a write does to the quotas of its namespace: their new status, or why it is refused. Pure. */
import type { Kind } from '#api/kind.ts'
import type { KubeObject } from '#api/meta.ts'
import type { Pod } from '#api/pod.ts'
import { addQuantities, parseQuantity, type Quantity, renderQuantity, subtractQuantities, zero } from '#api/quantity.ts'
import { missingResources } from '#api/quota-pod-usage.ts'
import { isCovered } from '#api/quota-scopes.ts'
import { canUse, type Usage, usageOf } from '#api/quota-usage.ts'
import type { ResourceQuota } from '#api/resource-quota.ts'
import { forbidden } from '../api-errors.ts'

export interface QuotaWrite {
  readonly kind: Kind
  readonly before?: KubeObject
  readonly after?: KubeObject
  /** Else it is charged, even beyond the limit. */
  readonly mayRefuse: boolean
  readonly nowMs: number
}

export interface Charge {
  readonly before: ResourceQuota
  readonly after: ResourceQuota
}

type Amounts = Readonly<Record<string, string>>

/**
 * One charge for every quota that is concerned. A quota whose status does not say yet what it limits is written as it
 * is: so whoever is counting for it notices that there is one more.
 */
export function planCharges(quotas: readonly ResourceQuota[], write: QuotaWrite): Charge[] {
  return quotas.flatMap((quota) => {
    const { kind, before, after, nowMs } = write
    const usageIf = (object: KubeObject | undefined): Usage =>
      object && isCovered(quota, kind, object) ? usageOf(kind, object, nowMs) : new Map()
    const [old, now] = [usageIf(before), usageIf(after)]
    if (!before && now.size > 0) checkDemands(quota, write)
    if (write.mayRefuse) checkSense(now, write)
    const difference = differenceOf(old, now)
    const limited = quota.status?.hard ?? {}
    const charged = new Map([...difference].filter(([name]) => name in limited))
    if (charged.size > 0) return [charge(quota, charged, write)]
    return [...difference.keys()].some((name) => name in (quota.spec.hard ?? {}))
      ? [{ before: quota, after: quota }]
      : []
  })
}

/** What a new object has to say, and what the quota has to know, before anything can be weighed. */
function checkDemands(quota: ResourceQuota, write: QuotaWrite): void {
  const { hard = {}, used = {} } = quota.status ?? {}
  const names = Object.keys(hard).filter((name) => canUse(write.kind, name))
  if (names.length === 0) return
  const isPod = write.kind.group === '' && write.kind.plural === 'pods'
  const missing = isPod ? missingResources(write.after as Pod, names) : undefined
  if (missing !== undefined) throw refused(write, `failed quota: ${quota.metadata.name}: ${missing}`)
  if (names.every((name) => name in used)) return
  const list = names.toSorted().join(',')
  throw refused(write, `status unknown for quota: ${quota.metadata.name}, resources: ${list}`)
}

function checkSense(usage: Usage, write: QuotaWrite): void {
  const negative = [...usage].filter(([, { nanos }]) => nanos < 0n).map(([name]) => name)
  if (negative.length === 0) return
  throw refused(write, `quota usage is negative for resource(s): ${negative.toSorted().join(',')}`)
}

function differenceOf(old: Usage, now: Usage): Usage {
  const difference = new Map<string, Quantity>()
  for (const name of new Set([...old.keys(), ...now.keys()])) {
    const change = subtractQuantities(now.get(name) ?? zero, old.get(name) ?? zero)
    if (change.nanos !== 0n) difference.set(name, change)
  }
  return difference
}

function charge(quota: ResourceQuota, charged: Usage, write: QuotaWrite): Charge {
  const { hard = {}, used = {} } = quota.status ?? {}
  const sums = new Map([...charged].map(([name, change]) => [name, addQuantities(usedOf(used, name), change)]))
  const exceeded = [...charged]
    .filter(([name, { nanos }]) => nanos > 0n && sums.get(name)!.nanos > parseQuantity(hard[name]!).nanos)
    .map(([name]) => name)
    .toSorted()
  if (exceeded.length > 0 && write.mayRefuse) throw refused(write, tellExceeded(quota, exceeded, charged))
  // What nobody has counted yet cannot be added to.
  const known = [...sums].filter(([name]) => name in used)
  const newUsed = {
    ...used,
    ...Object.fromEntries(known.map(([name, sum]) => [name, renderQuantity(atLeastZero(sum))])),
  }
  return { before: quota, after: { ...quota, status: { ...quota.status, used: newUsed } } }
}

const usedOf = (used: Amounts, name: string): Quantity => parseQuantity(used[name] ?? '0')

const atLeastZero = (quantity: Quantity): Quantity => (quantity.nanos < 0n ? zero : quantity)

function tellExceeded({ metadata, status }: ResourceQuota, names: readonly string[], charged: Usage): string {
  const { hard = {}, used = {} } = status ?? {}
  const list = (amountOf: (name: string) => Quantity) =>
    names.map((name) => `${name}=${renderQuantity(amountOf(name))}`).join(',')
  const requested = list((name) => charged.get(name)!)
  const limited = list((name) => parseQuantity(hard[name]!))
  return `exceeded quota: ${metadata.name}, requested: ${requested}, used: ${list((name) => usedOf(used, name))}, limited: ${limited}`
}

function refused({ kind, after, before }: QuotaWrite, why: string) {
  return forbidden(kind, (after ?? before)!.metadata.name, why)
}
