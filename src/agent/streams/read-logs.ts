/** Logs of a container as `kubectl logs` wants them. */
import { open, type FileHandle } from 'node:fs/promises'
import type { LogOptions } from '#api/pod-streams.ts'
import { readGrowth, timeAt, type Growth, type LiveOutput, type OutputFiles } from './watch-output.ts'

const chunkBytes = 64 * 1024
const newline = 0x0a

interface LogSource {
  readonly files: OutputFiles
  /** Absent when the container has ended. */
  readonly live?: LiveOutput
}

export async function* readLogs(
  source: LogSource,
  options: LogOptions,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  let left = options.limitBytes ?? Infinity
  for await (const chunk of readAll(source, options, signal)) {
    yield chunk.subarray(0, Math.min(chunk.length, left))
    left -= chunk.length
    if (left <= 0) return
  }
}

async function* readAll(source: LogSource, options: LogOptions, signal: AbortSignal): AsyncIterable<Uint8Array> {
  const { files } = source
  const separate = files.stderr !== files.stdout
  if (separate) yield* readPlain(files.stderr, options)
  const file = await open(files.stdout, 'r').catch(() => undefined)
  if (!file) return
  try {
    const from = await startOffset(file, files, options)
    const bytes = followFile(file, from, options.follow ? source.live : undefined, signal)
    yield* options.timestamps ? stamped(bytes, from, files.times) : bytes
  } finally {
    await file.close()
  }
}

/** The error output of an interactive container, in front: its times are not known. */
async function* readPlain(path: string, options: LogOptions): AsyncIterable<Uint8Array> {
  if (options.tailLines !== undefined || options.sinceTimeMs !== undefined) return
  const file = await open(path, 'r').catch(() => undefined)
  if (!file) return
  try {
    yield* followFile(file, 0, undefined, new AbortController().signal)
  } finally {
    await file.close()
  }
}

/** The bytes from `offset` on; with `live` until the container has ended. */
export async function* followFile(
  file: FileHandle,
  offset: number,
  live: LiveOutput | undefined,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  let position = offset
  while (!signal.aborted) {
    // Asked before reading: what is written between the two is then still read.
    const ended = live === undefined || live.ended
    const change = live?.changed(signal)
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes, position)
    if (bytesRead > 0) {
      position += bytesRead
      yield buffer.subarray(0, bytesRead)
    } else if (ended) return
    else await change
  }
}

async function startOffset(file: FileHandle, files: OutputFiles, options: LogOptions): Promise<number> {
  const since = options.sinceTimeMs === undefined ? 0 : sinceOffset(readGrowth(files.times), options.sinceTimeMs)
  const tail = options.tailLines === undefined ? 0 : await tailOffset(file, options.tailLines)
  return Math.max(since, tail)
}

function sinceOffset(growth: readonly Growth[], sinceMs: number): number {
  const later = growth.findIndex(({ timeMs }) => timeMs >= sinceMs)
  if (later < 0) return growth.at(-1)?.offset ?? 0
  return later === 0 ? 0 : growth[later - 1]!.offset
}

/** Where the last `lines` lines begin. */
async function tailOffset(file: FileHandle, lines: number): Promise<number> {
  const { size } = await file.stat()
  if (lines === 0) return size
  let found = 0
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - chunkBytes)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(end - start), 0, end - start, start)
    for (let index = bytesRead - 1; index >= 0; index--) {
      // The newline at the very end closes the last line, it does not begin another one.
      if (buffer[index] !== newline || start + index === size - 1) continue
      if (++found === lines) return start + index + 1
    }
    end = start
  }
  return 0
}

async function* stamped(
  chunks: AsyncIterable<Uint8Array>,
  offset: number,
  timesFile: string,
): AsyncIterable<Uint8Array> {
  let position = offset
  let growth: Growth[] = []
  let pending = Buffer.alloc(0)
  const line = (bytes: Buffer): Buffer => {
    if (position >= (growth.at(-1)?.offset ?? 0)) growth = readGrowth(timesFile)
    const stamp = new Date(timeAt(growth, position) ?? Date.now()).toISOString().replace('Z', '000000Z')
    position += bytes.length
    return Buffer.concat([Buffer.from(`${stamp} `), bytes])
  }
  for await (const chunk of chunks) {
    pending = Buffer.concat([pending, chunk])
    const lines: Buffer[] = []
    for (let end = pending.indexOf(newline); end >= 0; end = pending.indexOf(newline)) {
      lines.push(line(pending.subarray(0, end + 1)))
      pending = pending.subarray(end + 1)
    }
    if (lines.length > 0) yield Buffer.concat(lines)
  }
  if (pending.length > 0) yield line(pending)
}
