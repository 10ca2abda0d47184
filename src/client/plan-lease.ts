/** When a lease may be taken, and what to write into it. */
import type { Lease, LeaseSpec } from '#api/lease.ts'

/** What was last seen of the lease, and when it last changed by *our* clock: other hosts' clocks are never compared. */
export interface LeaseObservation {
  readonly resourceVersion: string | undefined
  readonly changedMs: number
  readonly free: (identity: string, nowMs: number) => boolean
}

export function planLease(
  lease: Lease | undefined,
  before: LeaseObservation | undefined,
  nowMs: number,
): LeaseObservation {
  const resourceVersion = lease?.metadata.resourceVersion
  const unchanged = before !== undefined && before.resourceVersion === resourceVersion
  const changedMs = unchanged ? before.changedMs : nowMs
  const holder = lease?.spec?.holderIdentity ?? ''
  const durationMs = (lease?.spec?.leaseDurationSeconds ?? 0) * 1_000
  return {
    resourceVersion,
    changedMs,
    free: (identity, atMs) => holder === '' || holder === identity || atMs - changedMs > durationMs,
  }
}

export function nextLeaseSpec(
  before: LeaseSpec | undefined,
  next: { readonly identity: string; readonly durationMs: number; readonly nowMs: number },
): LeaseSpec {
  const now = new Date(next.nowMs).toISOString().replace('Z', '000Z')
  const stays = before?.holderIdentity === next.identity
  return {
    ...before,
    holderIdentity: next.identity,
    leaseDurationSeconds: Math.max(1, Math.round(next.durationMs / 1_000)),
    renewTime: now,
    acquireTime: stays ? (before.acquireTime ?? now) : now,
    leaseTransitions: (before?.leaseTransitions ?? 0) + (stays || before === undefined ? 0 : 1),
  }
}
