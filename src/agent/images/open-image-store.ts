/** The images of this machine: one directory shared by all clusters and processes. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { tryLock } from '#kernel/shared-lock.ts'
import type { Log } from '#observe/log.ts'
import { type Credentials, type Image, type ImageStore, PullError } from './contract.ts'
import { openBlobs } from './open-blobs.ts'
import { type ImageIndex, type IndexEntries, type IndexEntry, openIndex } from './open-index.ts'
import { openLayers } from './open-layers.ts'
import { type Manifest, type ParsedConfig, parseConfig, parseManifest } from './parse-manifest.ts'
import { formatReference, parseReference, type Reference } from './parse-reference.ts'
import type { RegistriesConfig } from './plan-endpoints.ts'
import { type Collected, collectGarbage } from './run-garbage-collection.ts'
import { importArchive } from './run-import.ts'
import { fetchImage } from './run-pull.ts'
import { platformOf } from './select-platform.ts'

export interface ImageStoreOptions {
  readonly dir: string
  readonly registries: RegistriesConfig
  readonly log: Log
}

export interface ImageSummary {
  /** Canonical: `docker.io/library/busybox:latest`. */
  readonly reference: string
  /** `sha256:…` of the image configuration. */
  readonly id: string
  readonly repoDigest?: string
  /** Compressed, as stored. */
  readonly sizeBytes: number
  readonly addedAt: string
}

export interface ImageAdmin {
  /** Adds the images of an OCI layout (directory or tar) or a docker-save archive. `name` is for images without one. */
  import(path: string, options?: { readonly name?: string }): Promise<readonly ImageSummary[]>
  list(): Promise<readonly ImageSummary[]>
  /** Forgets a reference and frees what no other one needs; false if the store does not know it. */
  remove(reference: string): Promise<boolean>
  /** Frees what nothing needs; undefined if somebody is adding an image just now. */
  prune(): Promise<Collected | undefined>
}

export function openImageStore(options: ImageStoreOptions): ImageStore & ImageAdmin {
  const store = openParts(options)
  const pulls = new Map<string, SharedPull>()
  return {
    find: async (text) => {
      const reference = parseReference(text)
      const found = findEntry(await store.index.read(), reference)
      return found && loadImage(store, reference, found)
    },
    pull: (text, credentials, signal) => pullShared(store, pulls, { text, credentials, signal }),
    import: (path, { name } = {}) => importInto(store, path, name),
    list: async () => {
      const entries = Object.entries(await store.index.read())
      return Promise.all(
        entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, entry]) => summarize(store, key, entry)),
      )
    },
    remove: (text) => remove(store, formatReference(parseReference(text))),
    prune: () => prune(store),
  }
}

type Store = ReturnType<typeof openParts>

function openParts({ dir, registries, log }: ImageStoreOptions) {
  const layersDir = join(dir, 'layers')
  return {
    registries,
    log,
    layersDir,
    useLock: join(dir, 'use.lock'),
    blobs: openBlobs(join(dir, 'blobs', 'sha256')),
    index: openIndex(dir) satisfies ImageIndex,
    layers: openLayers(layersDir, log),
    platform: platformOf(process.arch),
    loaded: new Map<string, { readonly image: Image; readonly layerDirs: readonly string[] }>(),
  }
}

function findEntry(entries: IndexEntries, reference: Reference): IndexEntry | undefined {
  const exact = entries[formatReference(reference)]
  if (exact || reference.digest === undefined) return exact
  const prefix = `${reference.registry}/${reference.repository}`
  const same = ([key, entry]: [string, IndexEntry]) =>
    (key.startsWith(`${prefix}:`) || key.startsWith(`${prefix}@`)) &&
    (entry.resolved === reference.digest || entry.manifest === reference.digest)
  return Object.entries(entries).find(same)?.[1]
}

async function readImage(store: Store, entry: IndexEntry): Promise<{ manifest: Manifest; config: ParsedConfig }> {
  const parsed = parseManifest(await store.blobs.readText(entry.manifest))
  if (parsed.kind !== 'manifest') throw new Error('the index of images names no manifest')
  const config = parseConfig(await store.blobs.readText(parsed.manifest.config.digest))
  if (config.diffIds.length !== parsed.manifest.layers.length) {
    throw new Error(`the image has ${parsed.manifest.layers.length} layers but names ${config.diffIds.length}`)
  }
  return { manifest: parsed.manifest, config }
}

async function loadImage(store: Store, reference: Reference, entry: IndexEntry, signal = never): Promise<Image> {
  const repoDigest = repoDigestOf(reference, entry)
  const key = `${entry.manifest} ${repoDigest}`
  const known = store.loaded.get(key)
  if (known && (await allExist(known.layerDirs))) return known.image
  using _use = await takePart(store, signal)
  const { manifest, config } = await readImage(store, entry)
  const packed = manifest.layers.map(({ digest }, index) => ({
    blob: store.blobs.pathOf(digest),
    diffId: config.diffIds[index]!,
  }))
  const layers = await store.layers.ensure(packed, signal)
  const image: Image = {
    id: manifest.config.digest,
    ...(repoDigest ? { repoDigest } : {}),
    layers,
    config: config.config,
  }
  store.loaded.set(key, { image, layerDirs: layers })
  return image
}

const never = new AbortController().signal

async function allExist(dirs: readonly string[]): Promise<boolean> {
  const found = await Promise.all(dirs.map((dir) => stat(dir).catch(() => undefined)))
  return !found.includes(undefined)
}

function repoDigestOf({ registry, repository }: Reference, { resolved }: IndexEntry): string | undefined {
  return resolved === undefined ? undefined : `${registry}/${repository}@${resolved}`
}

interface SharedPull {
  readonly promise: Promise<Image>
  readonly controller: AbortController
  waiting: number
}

interface PullArguments {
  readonly text: string
  readonly credentials: readonly Credentials[]
  readonly signal: AbortSignal
}

/** One download for all who want the same with the same logins; it is given up when nobody waits for it any more. */
function pullShared(store: Store, pulls: Map<string, SharedPull>, { text, credentials, signal }: PullArguments) {
  const key = JSON.stringify([text, credentials])
  let shared = pulls.get(key)
  if (!shared) {
    const controller = new AbortController()
    // Removed in either case before it could be joined by somebody who would then get another caller's abort.
    const forget = () => pulls.delete(key)
    controller.signal.addEventListener('abort', forget)
    const promise = pull(store, { text, credentials, signal: controller.signal }).finally(() => {
      if (!controller.signal.aborted) forget()
    })
    shared = { promise, controller, waiting: 0 }
    pulls.set(key, shared)
  }
  return awaitShared(shared, signal)
}

function awaitShared(shared: SharedPull, signal: AbortSignal): Promise<Image> {
  const { promise, resolve, reject } = Promise.withResolvers<Image>()
  const leave = () => {
    reject(signal.reason as Error)
    if (--shared.waiting === 0) shared.controller.abort(signal.reason)
  }
  shared.waiting++
  shared.promise.then(resolve, reject)
  if (signal.aborted) leave()
  else signal.addEventListener('abort', leave, { once: true })
  return promise.finally(() => signal.removeEventListener('abort', leave))
}

async function pull(store: Store, { text, credentials, signal }: PullArguments): Promise<Image> {
  const reference = parseReference(text)
  try {
    const known = findEntry(await store.index.read(), reference)
    const pinned = known && reference.digest !== undefined
    return await loadImage(
      store,
      reference,
      pinned ? known : await fetchInto(store, reference, { known, credentials, signal }),
      signal,
    )
  } catch (error) {
    signal.throwIfAborted()
    const why = error instanceof Error ? error.message : String(error)
    throw new PullError(
      'ErrImagePull',
      `failed to pull and unpack image ${JSON.stringify(formatReference(reference))}: ${why}`,
      { cause: error },
    )
  }
}

interface FetchArguments {
  readonly known: IndexEntry | undefined
  readonly credentials: readonly Credentials[]
  readonly signal: AbortSignal
}

async function fetchInto(store: Store, reference: Reference, { known, credentials, signal }: FetchArguments) {
  using _use = await takePart(store, signal)
  const before = known?.resolved === undefined ? undefined : { resolved: known.resolved, manifest: known.manifest }
  const pulled = await fetchImage(store, { reference, credentials, known: before, signal })
  if (known && pulled === before) return known
  const entry: IndexEntry = { ...pulled, addedAt: new Date().toISOString() }
  await readImage(store, entry)
  await store.index.update((entries) => ({ ...entries, [formatReference(reference)]: entry }))
  return entry
}

async function importInto(store: Store, path: string, name: string | undefined): Promise<readonly ImageSummary[]> {
  using _use = await takePart(store, never)
  const imported = await importArchive({ blobs: store.blobs, platform: store.platform }, path, name)
  const added = imported.map(({ reference, manifest }) => {
    const entry: IndexEntry = { manifest, addedAt: new Date().toISOString() }
    return [formatReference(parseReference(reference)), entry] as const
  })
  for (const [, entry] of added) await readImage(store, entry)
  await store.index.update((entries) => ({ ...entries, ...Object.fromEntries(added) }))
  return Promise.all(added.map(([key, entry]) => summarize(store, key, entry)))
}

async function summarize(store: Store, key: string, entry: IndexEntry): Promise<ImageSummary> {
  const { manifest } = await readImage(store, entry)
  const repoDigest = repoDigestOf(parseReference(key), entry)
  return {
    reference: key,
    id: manifest.config.digest,
    ...(repoDigest ? { repoDigest } : {}),
    sizeBytes: [manifest.config, ...manifest.layers].reduce((sum, { size }) => sum + size, 0),
    addedAt: entry.addedAt,
  }
}

async function remove(store: Store, key: string): Promise<boolean> {
  let found = false
  await store.index.update((entries) => {
    found = key in entries
    return Object.fromEntries(Object.entries(entries).filter(([other]) => other !== key))
  })
  if (found) await prune(store)
  return found
}

async function prune(store: Store): Promise<Collected | undefined> {
  using alone = tryLock(store.useLock, 'exclusive')
  if (!alone) {
    store.log.info({}, 'another process is adding an image; unused layers are freed the next time')
    return undefined
  }
  return collectGarbage(store.blobs, store.layersDir, await store.index.read())
}

const lockRetryMs = 10

/** Keeps the garbage collection of every process away while blobs are in the store that no reference names yet. */
async function takePart(store: Store, signal: AbortSignal): Promise<Disposable> {
  for (;;) {
    const lock = tryLock(store.useLock, 'shared')
    if (lock) return lock
    await pause(lockRetryMs, undefined, { signal })
  }
}
