/** Brings an image from a registry into the blobs: reference → manifest → configuration and layers. */
import type { Credentials } from './contract.ts'
import { type Blobs, DigestMismatch, type Expected } from './open-blobs.ts'
import { openRepository, RegistryError, type Repository } from './open-registry.ts'
import { type Descriptor, type Manifest, parseManifest, type Platform } from './parse-manifest.ts'
import type { Reference } from './parse-reference.ts'
import { type Endpoint, planEndpoints, type RegistriesConfig } from './plan-endpoints.ts'
import { selectPlatform } from './select-platform.ts'

export interface PullDeps {
  readonly blobs: Blobs
  readonly registries: RegistriesConfig
  readonly platform: Platform
}

export interface PullRequest {
  readonly reference: Reference
  readonly credentials: readonly Credentials[]
  /** What the reference meant when it was last pulled; if it still does, nothing is fetched. */
  readonly known: Pulled | undefined
  readonly signal: AbortSignal
}

export interface Pulled {
  readonly resolved: string
  readonly manifest: string
}

const parallelDownloads = 3
const blobAttempts = 3

/** Throws RegistryError, DigestMismatch or Error with the reason; the blobs then hold nothing wrong. */
export async function fetchImage(deps: PullDeps, request: PullRequest): Promise<Pulled> {
  const failures: RegistryError[] = []
  for (const source of sourcesOf(deps, request)) {
    try {
      return await fetchFrom(deps, request, source)
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error
      failures.push(error)
    }
  }
  throw mostTelling(failures, request.reference)
}

/** Every server with every login that may be tried there. */
function sourcesOf(deps: PullDeps, { reference, credentials, signal }: PullRequest): Repository[] {
  const open = ({ baseUrl }: Endpoint, login: Credentials | undefined) =>
    openRepository({ baseUrl, name: reference.repository, credentials: login, signal })
  return planEndpoints(reference.registry, deps.registries).flatMap((endpoint) =>
    endpoint.takesCredentials && credentials.length > 0
      ? credentials.map((login) => open(endpoint, login))
      : [open(endpoint, undefined)],
  )
}

/** A server that says "no such image" tells more than one that could not be reached. */
function mostTelling(failures: readonly RegistryError[], reference: Reference): RegistryError {
  const missing = failures.find(({ failure }) => failure === 'not-found')
  if (missing) return new RegistryError('not-found', `not found (${missing.message})`, { cause: missing })
  const failure = failures.find((candidate) => candidate.failure === 'denied') ?? failures[0]
  return failure ?? new RegistryError('unreachable', `no server is configured for ${reference.registry}`)
}

async function fetchFrom(deps: PullDeps, { reference, known }: PullRequest, source: Repository): Promise<Pulled> {
  const target = reference.digest ?? reference.tag ?? 'latest'
  if (known && (await source.resolve(target)) === known.resolved) return known
  const top = await fetchManifest(deps.blobs, source, target, reference.digest)
  const own = top.parsed.kind === 'manifest' ? top : await fetchOfPlatform(deps, source, top.parsed.manifests)
  if (own.parsed.kind !== 'manifest') throw new Error('an index names another index as its image')
  await fetchContents(deps.blobs, source, own.parsed.manifest)
  return { resolved: top.digest, manifest: own.digest }
}

async function fetchManifest(blobs: Blobs, source: Repository, target: string, digest?: string) {
  const bytes = await source.manifest(target)
  const stored = await blobs.write(once(bytes), digest === undefined ? undefined : { digest })
  return { digest: stored.digest, parsed: parseManifest(Buffer.from(bytes).toString('utf8')) }
}

async function fetchOfPlatform(deps: PullDeps, source: Repository, manifests: readonly Descriptor[]) {
  const chosen = selectPlatform(manifests, deps.platform)
  if (!chosen) {
    const available = manifests.map(({ platform }) => `${platform?.os}/${platform?.architecture}`).join(', ')
    const wanted = `${deps.platform.os}/${deps.platform.architecture}`
    throw new Error(`no match for platform ${wanted} in the index (it has ${available})`)
  }
  return fetchManifest(deps.blobs, source, chosen.digest, chosen.digest)
}

async function fetchContents(blobs: Blobs, source: Repository, manifest: Manifest): Promise<void> {
  const wanted = new Map([manifest.config, ...manifest.layers].map((descriptor) => [descriptor.digest, descriptor]))
  const pending = [...wanted.values()]
  const failed = new AbortController()
  const work = async () => {
    for (let next = pending.shift(); next && !failed.signal.aborted; next = pending.shift()) {
      await fetchBlob(blobs, source, { ...next, signal: failed.signal })
    }
  }
  const workers = Array.from({ length: parallelDownloads }, () => work().catch((error) => failed.abort(error)))
  await Promise.all(workers)
  failed.signal.throwIfAborted()
}

interface WantedBlob extends Expected {
  readonly signal: AbortSignal
}

async function fetchBlob(blobs: Blobs, source: Repository, { digest, size, signal }: WantedBlob): Promise<void> {
  if (await blobs.has(digest)) return
  for (let attempt = 1; ; attempt++) {
    try {
      await blobs.write(await source.blob(digest, signal), { digest, ...(size === undefined ? {} : { size }) })
      return
    } catch (error) {
      const broken =
        error instanceof DigestMismatch || (error instanceof RegistryError && error.failure === 'unreachable')
      if (!broken || attempt === blobAttempts) throw error
    }
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
