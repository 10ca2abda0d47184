/** index.json: which references the store knows. Shared by processes: changed under a file lock, replaced atomically. */
import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rename, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { lockFile } from '#kernel/file-lock.ts'
import { ignoreMissing } from './open-blobs.ts'

export interface IndexEntry {
  /** Digest of the manifest of this machine's platform. */
  readonly manifest: string
  /** What the registry answered for the reference: the manifest's digest, or that of an index above it. */
  readonly resolved?: string
  readonly addedAt: string
}

/** By canonical reference (`formatReference`). */
export type IndexEntries = Readonly<Record<string, IndexEntry>>

export interface ImageIndex {
  read(): Promise<IndexEntries>
  /** Stores what `change` returns; nobody else changes the index meanwhile. */
  update(change: (entries: IndexEntries) => IndexEntries): Promise<void>
}

interface IndexFile {
  readonly version: 1
  readonly images: IndexEntries
}

export function openIndex(dir: string): ImageIndex {
  const path = join(dir, 'index.json')
  let cached: { readonly stamp: string; readonly entries: IndexEntries } | undefined
  const read = async (): Promise<IndexEntries> => {
    const found = await stat(path, { bigint: true }).catch(ignoreMissing)
    if (!found) return {}
    // Every change is a new file, so a number of the old one cannot hide it.
    const stamp = `${found.ino} ${found.mtimeNs} ${found.size}`
    if (cached?.stamp !== stamp) cached = { stamp, entries: parseIndex(await readFile(path, 'utf8'), path) }
    return cached.entries
  }
  return {
    read,
    update: async (change) => {
      using _lock = await lockFile(join(dir, 'index.lock'), AbortSignal.timeout(lockTimeoutMs))
      await replaceFile(path, JSON.stringify({ version: 1, images: change(await read()) } satisfies IndexFile, null, 1))
    },
  }
}

const lockTimeoutMs = 30_000

function parseIndex(text: string, path: string): IndexEntries {
  const parsed = JSON.parse(text) as Partial<IndexFile>
  if (parsed.version !== 1 || !parsed.images) throw new Error(`Cannot read ${path}: it is of another version`)
  return parsed.images
}

async function replaceFile(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const temporary = `${path}.${randomBytes(6).toString('hex')}`
  {
    await using file = await open(temporary, 'wx', 0o644)
    await file.writeFile(text)
    await file.sync()
  }
  await rename(temporary, path)
}
