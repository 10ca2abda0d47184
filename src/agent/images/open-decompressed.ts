/** Reads archives whatever their compression; the first bytes decide, because media types are often wrong. */
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { pipeline, type Duplex, type Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'

export type Compression = 'none' | 'gzip' | 'zstd'

export function selectCompression(start: Uint8Array): Compression {
  const [a, b, c, d] = start
  if (a === 0x1f && b === 0x8b) return 'gzip'
  if (a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd) return 'zstd'
  // A skippable frame, with which seekable zstd archives may begin.
  return a !== undefined && (a & 0xf0) === 0x50 && b === 0x2a && c === 0x4d && d === 0x18 ? 'zstd' : 'none'
}

/** The uncompressed bytes of a file. */
export async function openDecompressed(path: string): Promise<Readable> {
  const compression = selectCompression(await readStart(path))
  const file = createReadStream(path, { highWaterMark: 256 * 1024 })
  if (compression === 'gzip') return through(file, createGunzip({ chunkSize: 256 * 1024 }))
  if (compression === 'zstd') return through(file, createZstdDecompress({ chunkSize: 256 * 1024 }))
  return file
}

/** Errors of the source become errors of the result; the reader sees them, so the callback need not. */
function through(file: Readable, transform: Duplex): Readable {
  return pipeline(file, transform, () => {})
}

async function readStart(path: string): Promise<Uint8Array> {
  await using file = await open(path)
  const { buffer, bytesRead } = await file.read(new Uint8Array(4), 0, 4, 0)
  return buffer.subarray(0, bytesRead)
}
