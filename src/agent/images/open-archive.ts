/** Files of an image archive by their path inside it: a directory, or a tar file (also compressed). */
import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { ReadableStream } from 'node:stream/web'
import { createTarDecoder } from 'modern-tar'
import { type Blobs, ignoreMissing, type Stored } from './open-blobs.ts'
import { openDecompressed } from './open-decompressed.ts'

export interface Archive {
  /** Puts the file into the blobs; undefined if the archive has no such file. */
  store(path: string): Promise<Stored | undefined>
  paths(): readonly string[]
}

export async function openArchive(path: string, blobs: Blobs): Promise<Archive> {
  const found = await stat(path).catch(ignoreMissing)
  if (!found) throw new Error(`Cannot import ${path}: there is no such file`)
  return found.isDirectory() ? openDirectory(path, blobs) : readTar(path, blobs)
}

async function openDirectory(dir: string, blobs: Blobs): Promise<Archive> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => posix.relative(dir, join(entry.parentPath, entry.name)))
  const known = new Set(paths)
  return {
    paths: () => paths,
    store: async (path) => (known.has(path) ? blobs.write(createReadStream(join(dir, path))) : undefined),
  }
}

/** A tar file can be read once only, so every file becomes a blob; the ones that no image names are garbage later. */
async function readTar(path: string, blobs: Blobs): Promise<Archive> {
  const stored = new Map<string, Stored>()
  const links = new Map<string, string>()
  const source = ReadableStream.from(await openDecompressed(path)) as ReadableStream<Uint8Array>
  for await (const { header, body } of source.pipeThrough(createTarDecoder({ strict: true }))) {
    const name = posix.normalize(header.name).replace(/^\/+/, '')
    if (header.type === 'symlink') links.set(name, posix.join(posix.dirname(name), header.linkname ?? ''))
    else if (header.type === 'link') links.set(name, posix.normalize(header.linkname ?? ''))
    if ((header.type ?? 'file') === 'file') stored.set(name, await blobs.write(body))
    else for await (const _chunk of body);
  }
  const follow = (name: string) => stored.get(name) ?? stored.get(links.get(name) ?? '')
  return { paths: () => [...stored.keys(), ...links.keys()], store: async (name) => follow(posix.normalize(name)) }
}
