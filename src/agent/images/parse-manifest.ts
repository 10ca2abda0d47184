/** Manifests, indexes and image configurations (OCI image spec 1.1, Docker schema 2) as values. */
import type { ImageConfig } from './contract.ts'

export interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
  readonly platform?: Platform
  readonly annotations?: Readonly<Record<string, string>>
}

export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
}

export interface Manifest {
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
}

export const mediaTypes = {
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociLayer: 'application/vnd.oci.image.layer.v1.tar',
  dockerIndex: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
} as const

/** For the Accept header: everything that `parseManifest` reads. */
export const acceptedManifests = [
  mediaTypes.ociIndex,
  mediaTypes.ociManifest,
  mediaTypes.dockerIndex,
  mediaTypes.dockerManifest,
].join(', ')

export type ParsedManifest =
  | { readonly kind: 'manifest'; readonly manifest: Manifest }
  | { readonly kind: 'index'; readonly manifests: readonly Descriptor[] }

/** Reads a manifest or an index; the shape decides, since media types are often wrong. Throws Error. */
export function parseManifest(text: string): ParsedManifest {
  const value = asRecord(JSON.parse(text), 'a manifest')
  if (Array.isArray(value.manifests)) return { kind: 'index', manifests: value.manifests.map(parseDescriptor) }
  if (value.schemaVersion === 1) throw new Error('the image uses manifest schema 1, which is not supported')
  if (!value.config || !Array.isArray(value.layers)) throw new Error('the manifest has no config or layers')
  return {
    kind: 'manifest',
    manifest: { config: parseDescriptor(value.config), layers: value.layers.map(parseDescriptor) },
  }
}

export interface ParsedConfig {
  readonly config: ImageConfig
  /** Digests of the uncompressed layers, lowest first. */
  readonly diffIds: readonly string[]
}

export function parseConfig(text: string): ParsedConfig {
  const value = asRecord(JSON.parse(text), 'an image configuration')
  const rootfs = asRecord(value.rootfs ?? {}, 'rootfs')
  const run = asRecord(value.config ?? {}, 'config')
  if (!Array.isArray(rootfs.diff_ids)) throw new Error('the image configuration has no rootfs.diff_ids')
  return {
    diffIds: rootfs.diff_ids.map((id) => checkedDigest(id)),
    config: {
      env: strings(run.Env),
      entrypoint: strings(run.Entrypoint),
      cmd: strings(run.Cmd),
      workingDir: stringOrEmpty(run.WorkingDir),
      user: stringOrEmpty(run.User),
      ...(stringOrEmpty(run.StopSignal) ? { stopSignal: stringOrEmpty(run.StopSignal) } : {}),
    },
  }
}

const digestForm = /^sha256:[0-9a-f]{64}$/

/** A digest becomes a file name, so nothing else may pass. */
export function checkedDigest(value: unknown): string {
  if (typeof value === 'string' && digestForm.test(value)) return value
  throw new Error(`digest ${JSON.stringify(value)} is not a sha256 digest`)
}

function parseDescriptor(value: unknown): Descriptor {
  const record = asRecord(value, 'a descriptor')
  const platform = record.platform === undefined ? undefined : asRecord(record.platform, 'platform')
  const annotations = record.annotations === undefined ? undefined : asRecord(record.annotations ?? {}, 'annotations')
  if (typeof record.size !== 'number' || !Number.isSafeInteger(record.size) || record.size < 0) {
    throw new Error('a descriptor has no valid size')
  }
  return {
    mediaType: stringOrEmpty(record.mediaType),
    digest: checkedDigest(record.digest),
    size: record.size,
    ...(platform ? { platform: parsePlatform(platform) } : {}),
    ...(annotations ? { annotations: stringEntries(annotations) } : {}),
  }
}

function parsePlatform(platform: Record<string, unknown>): Platform {
  const variant = stringOrEmpty(platform.variant)
  return {
    os: stringOrEmpty(platform.os),
    architecture: stringOrEmpty(platform.architecture),
    ...(variant ? { variant } : {}),
  }
}

function stringEntries(record: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(record).flatMap(([key, value]) => (typeof value === 'string' ? [[key, value]] : [])),
  )
}

const stringOrEmpty = (value: unknown): string => (typeof value === 'string' ? value : '')
const strings = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []

export function asRecord(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new Error(`${what} is not an object`)
}
