/** What the agent knows of one container of a pod. The persistent part is on disk, so that a new agent can go on. */
import type { ContainerStateTerminated } from '#api/pod-status.ts'
import type { ProcessIdentity } from '#kernel/process-identity.ts'

/** One run of a container. */
export interface ContainerInstance {
  /** 0 for the first one: the restart count while it runs. */
  readonly attempt: number
  /** 64 hex digits. */
  readonly id: string
  readonly image: string
  readonly imageId: string
  readonly shim: ProcessIdentity
  readonly startedAtMs: number
  /** As the process got it; what `exec` gives to its commands too. */
  readonly env: readonly string[]
  readonly uid: number
  readonly gid: number
  readonly groups: readonly number[]
  readonly rootfs: string
  readonly tty: boolean
  readonly stdin: 'none' | 'once' | 'keep'
  /** Whether someone has attached before: only the first one gets what was written until then. */
  readonly attached?: boolean
  readonly exit?: ContainerExit
}

export interface ContainerExit {
  readonly exitCode: number
  readonly finishedAtMs: number
  readonly reason: string
  readonly message?: string
}

export interface CrashBackoff {
  /** How long after its end the container must wait before it is started again. */
  readonly delayMs: number
  readonly updatedAtMs: number
}

/** Kept on disk as state.json. */
export interface PersistentRecord {
  readonly current?: ContainerInstance
  readonly last?: ContainerStateTerminated
  readonly backoff?: CrashBackoff
}

export type ContainerActivity =
  /** Nothing is under way. */
  'none' | 'starting' | 'stopping'

export interface ContainerRecord extends PersistentRecord {
  readonly name: string
  readonly activity: ContainerActivity
  /** Why it is not running, when something failed. */
  readonly waiting?: { readonly reason: string; readonly message?: string }
  /** After a failure to pull or create: not before this time. */
  readonly retryAtMs?: number
  /** Failed tries to pull or create in a row. */
  readonly failures: number
  /** The readiness probe's verdict; true without one. */
  readonly probedReady: boolean
  /** The startup probe's verdict; true without one. */
  readonly probedStarted: boolean
  /** The probes, or a failed postStart hook, want it dead. */
  readonly mustDie?: string
}

export function newRecord(name: string): ContainerRecord {
  return { name, activity: 'none', failures: 0, probedReady: false, probedStarted: false }
}

export const isRunning = (record: ContainerRecord): boolean =>
  record.current !== undefined && record.current.exit === undefined

export const hasExited = (record: ContainerRecord): boolean => record.current?.exit !== undefined

export function terminatedState(instance: ContainerInstance): ContainerStateTerminated | undefined {
  const { exit } = instance
  if (!exit) return undefined
  return {
    exitCode: exit.exitCode,
    reason: exit.reason,
    ...(exit.message && { message: exit.message }),
    startedAt: seconds(instance.startedAtMs),
    finishedAt: seconds(exit.finishedAtMs),
    containerID: containerId(instance),
  }
}

export const containerId = (instance: ContainerInstance): string => `frontdesk://${instance.id}`

/** RFC 3339 with seconds, as Kubernetes writes times. */
export const seconds = (timeMs: number): string => `${new Date(timeMs).toISOString().slice(0, 19)}Z`
