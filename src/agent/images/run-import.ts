/** Images out of OCI layouts (image-layout.md) and `docker save` archives. */
import { basename } from 'node:path'
import { type Archive, openArchive } from './open-archive.ts'
import type { Blobs, Stored } from './open-blobs.ts'
import { asRecord, type Descriptor, mediaTypes, parseConfig, parseManifest, type Platform } from './parse-manifest.ts'
import { formatReference, parseReference } from './parse-reference.ts'
import { selectPlatform } from './select-platform.ts'

export interface ImportDeps {
  readonly blobs: Blobs
  readonly platform: Platform
}

export interface Imported {
  readonly reference: string
  /** Digest of the manifest. */
  readonly manifest: string
}

/** `name` is for images that the archive does not name. Throws Error `Cannot import …`. */
export async function importArchive(deps: ImportDeps, path: string, name?: string): Promise<readonly Imported[]> {
  try {
    const archive = await openArchive(path, deps.blobs)
    const fallback =
      name ??
      basename(path)
        .replace(/\.(tar|tgz|gz|zst|tar\.gz|tar\.zst)$/, '')
        .toLowerCase()
    const imported = await importFrom({ ...deps, archive, fallback, named: name !== undefined })
    if (imported.length === 0)
      throw new Error(`it holds no image for ${deps.platform.os}/${deps.platform.architecture}`)
    return imported
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Error(why.startsWith('Cannot import') ? why : `Cannot import ${path}: ${why}`, { cause: error })
  }
}

interface Import extends ImportDeps {
  readonly archive: Archive
  readonly fallback: string
  /** True: the user chose the name, so it replaces what the archive says. */
  readonly named: boolean
}

async function importFrom(context: Import): Promise<readonly Imported[]> {
  const paths = context.archive.paths()
  if (paths.includes('index.json')) return importLayout(context)
  if (paths.includes('manifest.json')) return importDockerSave(context)
  throw new Error('it is neither an OCI layout (index.json) nor a docker-save archive (manifest.json)')
}

async function importLayout(context: Import): Promise<readonly Imported[]> {
  const index = parseManifest(await readText(context, 'index.json'))
  if (index.kind !== 'index') throw new Error('index.json is not an index')
  const tags = await readDockerTags(context)
  const images: Imported[] = []
  for (const descriptor of index.manifests) {
    const manifest = await storeImage(context, descriptor)
    if (manifest) for (const reference of namesOf(context, descriptor, tags)) images.push({ reference, manifest })
  }
  return images
}

/** Stores what belongs to the image of this machine's platform and gives the manifest's digest. */
async function storeImage(context: Import, descriptor: Descriptor): Promise<string | undefined> {
  const { digest } = await storeBlob(context, descriptor.digest)
  const parsed = parseManifest(await context.blobs.readText(digest))
  if (parsed.kind === 'index') {
    const chosen = selectPlatform(parsed.manifests, context.platform)
    return chosen && storeImage(context, chosen)
  }
  const contents = [parsed.manifest.config, ...parsed.manifest.layers]
  for (const part of contents) await storeBlob(context, part.digest)
  return digest
}

async function storeBlob({ archive }: Import, digest: string): Promise<Stored> {
  const path = `blobs/sha256/${digest.slice('sha256:'.length)}`
  const stored = await archive.store(path)
  if (!stored) throw new Error(`${path} is missing`)
  if (stored.digest !== digest) throw new Error(`${path} is damaged: it is ${stored.digest}`)
  return stored
}

/** containerd's annotation is a whole name; the specification's may be a tag alone. */
function namesOf(context: Import, descriptor: Descriptor, dockerTags: readonly string[]): readonly string[] {
  if (context.named) return [context.fallback]
  const full = descriptor.annotations?.['io.containerd.image.name']
  if (full !== undefined) return [full]
  const ref = descriptor.annotations?.['org.opencontainers.image.ref.name']
  if (ref !== undefined) return [/[/:]/.test(ref) ? ref : `${context.fallback}:${ref}`]
  return dockerTags.length > 0 ? dockerTags : [context.fallback]
}

/** `docker save` of one image writes its names only into its own manifest.json, beside the layout. */
async function readDockerTags(context: Import): Promise<readonly string[]> {
  if (!context.archive.paths().includes('manifest.json')) return []
  const images = parseDockerSave(await readText(context, 'manifest.json'))
  return images.length === 1 ? images[0]!.tags : []
}

async function importDockerSave(context: Import): Promise<readonly Imported[]> {
  const images: Imported[] = []
  for (const { config, layers, tags } of parseDockerSave(await readText(context, 'manifest.json'))) {
    const manifest = await storeDockerImage(context, config, layers)
    const names = context.named || tags.length === 0 ? [context.fallback] : tags
    for (const reference of names) images.push({ reference: formatReference(parseReference(reference)), manifest })
  }
  return images
}

async function storeDockerImage(context: Import, config: string, layers: readonly string[]): Promise<string> {
  const store = async (path: string, mediaType: string): Promise<Descriptor> => {
    const stored = await context.archive.store(path)
    if (!stored) throw new Error(`${path} is missing`)
    return { mediaType, ...stored }
  }
  const configDescriptor = await store(config, mediaTypes.ociConfig)
  parseConfig(await context.blobs.readText(configDescriptor.digest))
  const layerDescriptors: Descriptor[] = []
  for (const layer of layers) layerDescriptors.push(await store(layer, mediaTypes.ociLayer))
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: configDescriptor,
    layers: layerDescriptors,
  }
  return (await context.blobs.write(bytesOf(JSON.stringify(manifest)))).digest
}

interface DockerSaved {
  readonly config: string
  readonly layers: readonly string[]
  readonly tags: readonly string[]
}

function parseDockerSave(text: string): readonly DockerSaved[] {
  const value: unknown = JSON.parse(text)
  if (!Array.isArray(value)) throw new Error('manifest.json is not a list of images')
  return value.map((item) => {
    const { Config, Layers, RepoTags } = asRecord(item, 'an image in manifest.json')
    if (typeof Config !== 'string' || !isStrings(Layers)) throw new Error('manifest.json has no Config or Layers')
    return { config: Config, layers: Layers, tags: isStrings(RepoTags) ? RepoTags : [] }
  })
}

const isStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')

async function readText({ archive, blobs }: Import, path: string): Promise<string> {
  const stored = await archive.store(path)
  if (!stored) throw new Error(`${path} is missing`)
  return blobs.readText(stored.digest)
}

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text)
}
