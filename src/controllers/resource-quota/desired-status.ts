/** What a ResourceQuota says: its limits, and what the objects of its namespace use of them. Pure. */
import type { Kind } from '#api/kind.ts'
import type { KubeObject } from '#api/meta.ts'
import { addQuantities, parseQuantity, type Quantity, renderQuantity, zero } from '#api/quantity.ts'
import { isCovered } from '#api/quota-scopes.ts'
import { canUse, isCounted, usageOf } from '#api/quota-usage.ts'
import type { ResourceQuota } from '#api/resource-quota.ts'

/** All objects of one kind in the quota's namespace. */
export interface Contents {
  readonly kind: Kind
  readonly objects: readonly KubeObject[]
}

type Status = NonNullable<ResourceQuota['status']>
type Amounts = Readonly<Record<string, string>>

/** The kinds whose objects can use what the quota limits. */
export function countedKinds({ spec }: ResourceQuota, kinds: readonly Kind[]): readonly Kind[] {
  const names = Object.keys(spec.hard ?? {})
  return kinds.filter((kind) => isCounted(kind) && names.some((name) => canUse(kind, name)))
}

/** @param contents of every counted kind; the use of what no kind counts stays as somebody has written it */
export function desiredQuotaStatus(quota: ResourceQuota, contents: readonly Contents[], nowMs: number): Status {
  const hard = Object.entries(quota.spec.hard ?? {})
  const used = new Map<string, Quantity>()
  for (const [name] of hard) {
    const written = quota.status?.used?.[name]
    if (contents.some(({ kind }) => canUse(kind, name))) used.set(name, zero)
    else if (written !== undefined) used.set(name, parseQuantity(written))
  }
  for (const { kind, objects } of contents) {
    for (const object of objects) if (isCovered(quota, kind, object)) add(used, usageOf(kind, object, nowMs))
  }
  return {
    hard: Object.fromEntries(hard.map(([name, amount]) => [name, renderQuantity(parseQuantity(amount))])),
    used: Object.fromEntries([...used].map(([name, amount]) => [name, renderQuantity(amount)])),
  }
}

function add(sums: Map<string, Quantity>, amounts: ReadonlyMap<string, Quantity>): void {
  for (const [name, amount] of amounts) {
    const sum = sums.get(name)
    if (sum) sums.set(name, addQuantities(sum, amount))
  }
}

/** Amounts are compared, not their texts: `1k` is `1000`. */
export function isSameStatus(a: Status | undefined, b: Status): boolean {
  return isSameAmounts(a?.hard, b.hard) && isSameAmounts(a?.used, b.used)
}

function isSameAmounts(a: Amounts = {}, b: Amounts = {}): boolean {
  const names = Object.keys(a)
  if (names.length !== Object.keys(b).length) return false
  return names.every((name) => name in b && parseQuantity(a[name]!).nanos === parseQuantity(b[name]!).nanos)
}
