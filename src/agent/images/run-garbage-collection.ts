/** Deletes blobs and layers that no reference needs and nobody has mounted. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { removeTree } from './apply-removal.ts'
import { type Blobs, ignoreMissing } from './open-blobs.ts'
import type { IndexEntries } from './open-index.ts'
import { flatName, layerName } from './open-layers.ts'
import { parseConfig, parseManifest } from './parse-manifest.ts'
import { probeMountedLayers } from './probe-mounted-layers.ts'

export interface Collected {
  readonly blobs: number
  readonly layers: number
  /** Layers that no image needs any more, but a running pod does. */
  readonly keptLayers: number
}

/** The caller keeps everybody else from adding to the store meanwhile. */
export async function collectGarbage(blobs: Blobs, layersDir: string, entries: IndexEntries): Promise<Collected> {
  const needed = await findNeeded(blobs, entries)
  const unneededBlobs = (await blobs.list()).filter((digest) => !needed.blobs.has(digest))
  for (const digest of unneededBlobs) await blobs.remove(digest)
  const names = (await readdir(layersDir).catch(ignoreMissing)) ?? []
  const unneeded = names.filter((name) => !needed.layers.has(name))
  const mounted = unneeded.length > 0 ? await probeMountedLayers() : new Set<string>()
  const removable = unneeded.filter((name) => !mounted.has(name))
  for (const name of removable) await removeTree(join(layersDir, name))
  return { blobs: unneededBlobs.length, layers: removable.length, keptLayers: unneeded.length - removable.length }
}

async function findNeeded(blobs: Blobs, entries: IndexEntries) {
  const needed = { blobs: new Set<string>(), layers: new Set<string>() }
  for (const { manifest, resolved } of Object.values(entries)) {
    needed.blobs.add(manifest)
    if (resolved !== undefined) needed.blobs.add(resolved)
    const parsed = parseManifest(await blobs.readText(manifest))
    if (parsed.kind !== 'manifest') continue
    for (const { digest } of [parsed.manifest.config, ...parsed.manifest.layers]) needed.blobs.add(digest)
    const { diffIds } = parseConfig(await blobs.readText(parsed.manifest.config.digest))
    for (const diffId of diffIds) needed.layers.add(layerName(diffId))
    needed.layers.add(flatName(diffIds.map((diffId) => ({ diffId }))))
  }
  return needed
}
