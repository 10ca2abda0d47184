/** Leader election on a Lease: of all holders of one name, at most one acts at a time. */
import { setTimeout as delay } from 'node:timers/promises'
import { Lease } from '#api/lease.ts'
import { isAlreadyExists, isConflict, isNotFound } from '#api/status-error.ts'
import { silentLog } from '#observe/log.ts'
import type { Log } from '#observe/log.ts'
import type { Client, ObjectRef } from './contract.ts'
import { nextLeaseSpec, planLease } from './plan-lease.ts'
import type { LeaseObservation } from './plan-lease.ts'

export interface LeaseLeaderOptions {
  readonly client: Client
  readonly lease: ObjectRef & { readonly namespace: string }
  /** Unique per process: `host_uuid`. */
  readonly identity: string
  /** How long others wait for a silent leader. Default 15 s; renewal is tried every `retryMs`, and given up in time. */
  readonly durationMs?: number
  readonly renewDeadlineMs?: number
  readonly retryMs?: number
  readonly log?: Log
  /** Unix time in milliseconds; measures only durations seen by this process. */
  readonly nowMs?: () => number
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>
}

/**
 * Runs `lead` while this process holds the lease; its signal aborts when the lease is lost or `signal` aborts, and it
 * must then return. Tries again after a loss, until `signal` aborts; then gives the lease back at once.
 */
export async function leadWithLease(
  options: LeaseLeaderOptions,
  lead: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { retryMs = 2_000, renewDeadlineMs = 10_000, nowMs = Date.now, wait = waitOut, log = silentLog } = options
  const holder = new LeaseHolder({ durationMs: 15_000, nowMs, log, ...options })
  while (!signal.aborted) {
    if (!(await holder.tryToHold())) {
      await wait(retryMs, signal)
      continue
    }
    log.info({ lease: options.lease.name, identity: options.identity }, 'leading')
    const term = new AbortController()
    const endTerm = () => term.abort()
    signal.addEventListener('abort', endTerm, { once: true })
    const leading = lead(term.signal).finally(endTerm)
    let renewedMs = nowMs()
    while (!term.signal.aborted) {
      await wait(retryMs, term.signal)
      if (term.signal.aborted) break
      if (await holder.tryToHold()) renewedMs = nowMs()
      else if (nowMs() - renewedMs > renewDeadlineMs) endTerm()
    }
    signal.removeEventListener('abort', endTerm)
    await leading
    await holder.release()
  }
}

class LeaseHolder {
  readonly #options: LeaseLeaderOptions & { durationMs: number; nowMs: () => number; log: Log }
  #observed: LeaseObservation | undefined

  constructor(options: LeaseLeaderOptions & { durationMs: number; nowMs: () => number; log: Log }) {
    this.#options = options
  }

  /** @returns whether the lease is ours now */
  async tryToHold(): Promise<boolean> {
    const { client, lease, identity, durationMs, nowMs, log } = this.#options
    const leases = client.of(Lease)
    try {
      const current = await leases.get(lease).catch((error: unknown) => {
        if (isNotFound(error)) return undefined
        throw error
      })
      const now = nowMs()
      this.#observed = planLease(current, this.#observed, now)
      if (!this.#observed.free(identity, now)) return false
      const spec = nextLeaseSpec(current?.spec, { identity, durationMs, nowMs: now })
      if (current) await leases.update({ ...current, spec })
      else await leases.create({ metadata: { ...lease }, spec })
      return true
    } catch (error) {
      if (!isConflict(error) && !isAlreadyExists(error)) {
        log.warn({ lease: lease.name, error: String(error) }, 'cannot renew the lease')
      }
      return false
    }
  }

  /** Lets the next one start at once instead of after the lease's duration. */
  async release(): Promise<void> {
    const { client, lease, identity, log } = this.#options
    const leases = client.of(Lease)
    try {
      const current = await leases.get(lease)
      if (current.spec?.holderIdentity !== identity) return
      const { holderIdentity: _ours, ...spec } = current.spec
      await leases.update({ ...current, spec: { ...spec, leaseDurationSeconds: 1 } })
    } catch (error) {
      log.warn({ lease: lease.name, error: String(error) }, 'cannot give the lease back; it will expire')
    }
  }
}

async function waitOut(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal, ref: false }).catch(() => {})
}
