/** Tells through the node's Lease which EndpointSlices are in its kernel: one write at a time, the newest version wins. */
import { setTimeout as delay } from 'node:timers/promises'
import { committedAnnotation, nodeLeaseNamespace } from '#api/committed-routes.ts'
import { Lease } from '#api/lease.ts'
import type { Client } from '#client/contract.ts'
import { backoffMs } from '#lib/backoff.ts'
import type { Log } from '#observe/log.ts'

export interface PublisherDependencies {
  readonly client: Client
  readonly nodeName: string
  readonly log: Log
}

/** At a start the node's Lease may not be there yet: its agent makes it. */
const retry = { baseMs: 50, maxMs: 5_000 }
const warnAfterFailures = 6

/** Never throws, never blocks: give it every version that pods may wait for. */
export function openCommittedPublisher(
  { client, nodeName, log }: PublisherDependencies,
  signal: AbortSignal,
): (version: number) => void {
  const leases = client.of(Lease)
  let wanted: number | undefined
  let isWriting = false
  const put = async (version: number): Promise<void> => {
    const patch = { metadata: { annotations: { [committedAnnotation]: String(version) } } }
    await leases.patch({ namespace: nodeLeaseNamespace, name: nodeName }, 'merge', patch)
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
