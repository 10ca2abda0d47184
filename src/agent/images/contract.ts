/** Images as the agent sees them: unpacked read-only layers and a run configuration. */
export interface Image {
  /** `sha256:…` of the image configuration. */
  readonly id: string
  /** `registry/name@sha256:…`, absent for images that no registry knows. */
  readonly repoDigest?: string
  /** Directories of unpacked layers, lowest first, ready to be overlay lower layers. */
  readonly layers: readonly string[]
  readonly config: ImageConfig
}

export interface ImageConfig {
  readonly env: readonly string[]
  readonly entrypoint: readonly string[]
  readonly cmd: readonly string[]
  readonly workingDir: string
  /** `uid`, `uid:gid` or names; empty for root. */
  readonly user: string
  readonly stopSignal?: string
}

export interface Credentials {
  readonly username: string
  readonly password: string
}

export interface ImageStore {
  /** The image if it is in the store. */
  find(reference: string): Promise<Image | undefined>
  /** Pulls (concurrent pulls of one reference are one). Throws PullError. */
  pull(reference: string, credentials: readonly Credentials[], signal: AbortSignal): Promise<Image>
}

/** Why a pull failed, in the words that go into the container's waiting message. */
export class PullError extends Error {
  /** `ErrImagePull`, `InvalidImageName`, `RegistryUnavailable`. */
  readonly reason: string
  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'PullError'
    this.reason = reason
  }
}
