/** Writes a pod's status: the newest one wins, one request at a time, nothing when nothing changed. */
import { isDeepStrictEqual } from 'node:util'
import { Pod } from '#api/pod.ts'
import { isConflict, isNotFound } from '#api/status-error.ts'
import type { PodStatus } from '#api/pod-status.ts'
import type { Client } from '#client/contract.ts'
import { backoffMs } from '#lib/backoff.ts'
import type { Log } from '#observe/log.ts'

export interface StatusWriter {
  write(status: PodStatus): void
  /** Resolves when everything given so far is written, or cannot be. */
  idle(): Promise<void>
}

export function openStatusWriter(client: Client, pod: Pod, log: Log, signal: AbortSignal): StatusWriter {
  const pods = client.of(Pod)
  const { namespace, name, uid } = pod.metadata
  const ref = { ...(namespace !== undefined && { namespace }), name }
  let written: PodStatus | undefined = pod.status
  let wanted: PodStatus | undefined
  let sent: PodStatus | undefined
  let writing: Promise<void> | undefined
  let gone = false
  const start = () => {
    writing = writeAll().finally(() => {
      writing = undefined
      if (wanted && !gone && !signal.aborted) start()
    })
  }
  /** A conflict may also mean that others have written the pod all the time. */
  const isReplaced = async () => {
    try {
      return (await pods.get(ref)).metadata.uid !== uid
    } catch (error) {
      return isNotFound(error)
    }
  }
  const writeAll = async () => {
    for (let failures = 0; wanted && !signal.aborted;) {
      const status: PodStatus = wanted
      wanted = undefined
      sent = status
      try {
        await pods.patchStatus(ref, 'merge', { metadata: { uid }, status: { ...cleared(written, status), ...status } })
        written = status
        sent = undefined
        failures = 0
      } catch (error) {
        gone = isNotFound(error) || (isConflict(error) && (await isReplaced()))
        if (gone) return
        sent = undefined
        log.warn({ pod: name, error: String(error) }, 'cannot write the status of a pod; trying again')
        wanted ??= status
        await pause(backoffMs({ baseMs: 100, maxMs: 10_000 }, ++failures, 0), signal)
      }
    }
  }
  return {
    write: (status) => {
      // The pod as it was just sent is heard of before the answer comes, and must not be sent again for that.
      if (isDeepStrictEqual(status, wanted ?? sent ?? written)) return
      wanted = status
      if (!writing && !gone) start()
    },
    idle: async () => writing,
  }
}

/** Fields that a merge must remove. */
function cleared(before: PodStatus | undefined, after: PodStatus): Record<string, null> {
  const gone = Object.keys(before ?? {}).filter((key) => !(key in after) && ownFields.has(key))
  return Object.fromEntries(gone.map((key) => [key, null]))
}

const ownFields = new Set([
  'reason',
  'message',
  'podIP',
  'podIPs',
  'initContainerStatuses',
  'containerStatuses',
  'ephemeralContainerStatuses',
])

function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, delayMs)
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
  })
}
