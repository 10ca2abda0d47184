/** Files named by their sha256. A blob is there complete and verified, or not at all. */
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { checkedDigest } from './parse-manifest.ts'

export interface Blobs {
  pathOf(digest: string): string
  has(digest: string): Promise<boolean>
  /** The text of a small blob; its digest is checked again. */
  readText(digest: string): Promise<string>
  /** Stores the bytes; throws DigestMismatch, and stores nothing, if they are not what `expected` says. */
  write(bytes: AsyncIterable<Uint8Array>, expected?: Expected): Promise<Stored>
  list(): Promise<readonly string[]>
  remove(digest: string): Promise<void>
}

export interface Expected {
  readonly digest: string
  readonly size?: number
}

export interface Stored {
  readonly digest: string
  readonly size: number
}

export class DigestMismatch extends Error {}

export function openBlobs(dir: string): Blobs {
  const pathOf = (digest: string) => join(dir, checkedDigest(digest).slice('sha256:'.length))
  return {
    pathOf,
    has: async (digest) => (await stat(pathOf(digest)).catch(ignoreMissing)) !== undefined,
    readText: async (digest) => {
      const bytes = await readFile(pathOf(digest))
      verify(createHash('sha256').update(bytes).digest('hex'), bytes.length, { digest })
      return bytes.toString('utf8')
    },
    write: (bytes, expected) => writeBlob({ dir, pathOf, bytes, expected }),
    list: async () => {
      const names = (await readdir(dir).catch(ignoreMissing)) ?? []
      return names.filter((name) => /^[0-9a-f]{64}$/.test(name)).map((name) => `sha256:${name}`)
    },
    remove: (digest) => rm(pathOf(digest), { force: true }),
  }
}

interface BlobWrite {
  readonly dir: string
  readonly pathOf: (digest: string) => string
  readonly bytes: AsyncIterable<Uint8Array>
  readonly expected: Expected | undefined
}

async function writeBlob({ dir, pathOf, bytes, expected }: BlobWrite): Promise<Stored> {
  await mkdir(dir, { recursive: true })
  const temporary = join(dir, `.incoming-${randomBytes(8).toString('hex')}`)
  try {
    const stored = await writeHashed(temporary, bytes, expected)
    await rename(temporary, pathOf(stored.digest))
    return stored
  } finally {
    await rm(temporary, { force: true })
  }
}

async function writeHashed(path: string, bytes: AsyncIterable<Uint8Array>, expected?: Expected): Promise<Stored> {
  await using file = await open(path, 'wx', 0o644)
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of bytes) {
    hash.update(chunk)
    size += chunk.length
    if (expected?.size !== undefined && size > expected.size) break
    await file.writev([chunk])
  }
  const hex = hash.digest('hex')
  if (expected) verify(hex, size, expected)
  await file.sync()
  return { digest: `sha256:${hex}`, size }
}

function verify(hex: string, size: number, expected: Expected): void {
  const fits = (expected.size === undefined || expected.size === size) && expected.digest === `sha256:${hex}`
  if (!fits) {
    const wanted = expected.size === undefined ? expected.digest : `${expected.digest} of ${expected.size} bytes`
    throw new DigestMismatch(`expected ${wanted}, got sha256:${hex} of ${size} bytes`)
  }
}

export function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
