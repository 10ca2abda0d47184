/** Tells through a Lease which EndpointSlices its owner has put into effect: one write at a time, the newest version wins. */
import { setTimeout as delay } from 'node:timers/promises'
import { type CommittedAnnotation, committedAnnotation, nodeLeaseNamespace } from '#api/committed-routes.ts'
import { Lease } from '#api/lease.ts'
import { isNotFound } from '#api/status-error.ts'
import { backoffMs } from '#lib/backoff.ts'
import type { Log } from '#observe/log.ts'
import type { Client } from './contract.ts'

export interface PublisherDependencies {
  readonly client: Client
  /** A node's Lease is there when its agent has made it, and tells by itself whether the node lives. */
  readonly leaseName: string
  /** Made when it is missing, and alive for ever: of somebody who is no node. */
  readonly isOwn?: boolean
  /** What is told; routes unless it says otherwise. */
  readonly annotation?: CommittedAnnotation
  readonly log: Log
}

const retry = { baseMs: 50, maxMs: 5_000 }
const warnAfterFailures = 6
const forEverSeconds = 2 ** 31 - 1

/** Never throws, never blocks: give it every version that pods may wait for. */
export function openCommittedPublisher(
  { client, leaseName, isOwn = false, annotation = committedAnnotation, log }: PublisherDependencies,
  signal: AbortSignal,
): (version: number) => void {
  const leases = client.of(Lease)
  let wanted: number | undefined
  let isWriting = false
  const put = async (version: number): Promise<void> => {
    const metadata = { annotations: { [annotation]: String(version) } }
    try {
      await leases.patch({ namespace: nodeLeaseNamespace, name: leaseName }, 'merge', { metadata })
    } catch (error) {
      if (!isOwn || !isNotFound(error)) throw error
      const spec = { holderIdentity: leaseName, renewTime: now(), leaseDurationSeconds: forEverSeconds }
      await leases.create({ metadata: { ...metadata, name: leaseName, namespace: nodeLeaseNamespace }, spec })
    }
    if (wanted === version) wanted = undefined
  }
  const writeAll = async (): Promise<void> => {
    let failures = 0
    isWriting = true
    while (wanted !== undefined && !signal.aborted) {
      try {
        await put(wanted)
        failures = 0
      } catch (error) {
        if (signal.aborted) break
        if (++failures === warnAfterFailures)
          log.warn({ error: String(error) }, 'cannot tell which routes are in place')
        await delay(backoffMs(retry, failures, 0), undefined, { signal }).catch(() => {})
      }
    }
    isWriting = false
  }
  return (version) => {
    wanted = version
    if (!isWriting) void writeAll()
  }
}

/** Microseconds, as Leases want them. */
const now = (): string => new Date().toISOString().replace('Z', '000Z')
