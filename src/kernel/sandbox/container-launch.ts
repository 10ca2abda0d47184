/** What it takes to start a container, as a value that can be posted to the thread that does it. */
import type { ProcessIdentity } from '../process-identity.ts'
import type { RootfsSpec } from './mount-rootfs.ts'

export interface ContainerMount {
  /** A directory or file of the host (or of the cluster's tmpfs). */
  readonly source: string
  /** Path in the container. */
  readonly target: string
  readonly readOnly: boolean
}

export interface ContainerUser {
  /** The image's: empty, `uid`, `uid:gid`, or names to be looked up in the image. */
  readonly imageUser: string
  readonly uid?: number
  readonly gid?: number
  readonly groups: readonly number[]
}

/**
 * `none`: /dev/null. `once`: a pipe that ends when our end is closed, also by our death. `keep`: a pipe that stays open
 * as long as the container runs.
 */
export type StdinMode = 'none' | 'once' | 'keep'

export interface ContainerLaunch {
  /** Paths of the pod's namespaces. */
  readonly namespaces: { readonly net: string; readonly uts: string; readonly ipc: string }
  readonly rootfs: RootfsSpec
  readonly readOnlyRoot: boolean
  readonly shmDir: string
  /** Mounts that the container's namespace must not keep alive: the cluster's run directory. */
  readonly forget: readonly string[]
  /** Written into the root before it may become read-only. */
  readonly files: readonly { readonly path: string; readonly content: string }[]
  readonly mounts: readonly ContainerMount[]
  readonly argv: readonly string[]
  /** `NAME=value`, without duplicates. */
  readonly env: readonly string[]
  /** Empty: the root directory. */
  readonly workingDir: string
  readonly user: ContainerUser
  readonly privileged: boolean
  readonly addCapabilities: readonly string[]
  readonly dropCapabilities: readonly string[]
  readonly noNewPrivileges: boolean
  /** `exit` is written here: the exit code, when the container has ended. */
  readonly stateDir: string
  readonly stdoutPath: string
  /** The same path as stdout's for one common file. */
  readonly stderrPath: string
  readonly stdin: StdinMode
  readonly tty: boolean
}

export interface LaunchedContainer {
  /** Lives as long as the container; then the exit file is complete. */
  readonly shim: ProcessIdentity
  /** Our end of stdin, or of the terminal. */
  readonly stdinFd?: number
  readonly uid: number
  readonly gid: number
  /** As the process got it: with HOME and PATH. */
  readonly env: readonly string[]
}

/** The container cannot be started; the message is for the container's status. */
export class LaunchError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'LaunchError'
  }
}
