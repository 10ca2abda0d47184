/** Answers onto the wire: objects, bytes, event streams; compressed when large, dropped when nobody reads. */
import type { Writable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { ApiResponse, EncodedWatchEvent } from '#api/wire.ts'
import type { Exchange, OutgoingHeaders } from './exchange.ts'

/** Below this, compressing costs more than it saves (the same bound as in Kubernetes). */
const compressFromBytes = 128 * 1024
const writeBlockBytes = 256 * 1024
/** A watcher that takes nothing for so long is cut off, as its events pile up in memory. */
const stalledAfterMs = 30_000

export async function writeAnswer(exchange: Exchange, answer: ApiResponse): Promise<void> {
  const { status, body } = answer
  const headers = answerHeaders(answer)
  switch (body?.type) {
    case undefined:
      return writeBytes(exchange, status, headers, undefined)
    case 'object':
      return writeBytes(exchange, status, { 'content-type': 'application/json', ...headers }, encode(body.value))
    case 'bytes':
      return writeBytes(exchange, status, headers, body.value)
    case 'watch':
      return writeStream(exchange, status, headers, joinEvents(body.events))
    case 'stream':
      return writeStream(exchange, status, headers, body.chunks)
    default:
      return body satisfies never
  }
}

const encode = (value: object): Uint8Array => Buffer.from(`${JSON.stringify(value)}\n`)

function answerHeaders({ headers, warnings = [] }: ApiResponse): OutgoingHeaders {
  return {
    'cache-control': 'no-cache, private',
    ...headers,
    ...(warnings.length > 0 && { warning: warnings.map(warningHeader) }),
  }
}

/** Code 299 and no agent, as clients of Kubernetes expect; control characters cannot stand in a header. */
export function warningHeader(text: string): string {
  const printable = text.replace(/[^ -~]/g, ' ').replace(/["\\]/g, '\\$&')
  return `299 - "${printable}"`
}

async function writeBytes(
  exchange: Exchange,
  status: number,
  headers: OutgoingHeaders,
  bytes: Uint8Array | undefined,
): Promise<void> {
  const hasBody = bytes !== undefined && status !== 204 && status !== 304
  if (!hasBody) {
    exchange.respond(status, headers).end()
    return
  }
  const compress =
    bytes.length >= compressFromBytes && acceptsGzip(exchange) && headers['content-encoding'] === undefined
  const content = compress ? await promisify(gzip)(bytes, { level: 1 }) : bytes
  const output = exchange.respond(status, {
    ...headers,
    'content-length': String(content.length),
    ...(compress && { 'content-encoding': 'gzip', vary: 'Accept-Encoding' }),
  })
  if (exchange.method === 'HEAD') output.end()
  else output.end(content)
}

function acceptsGzip({ headers }: Exchange): boolean {
  return (headers['accept-encoding'] ?? '')
    .split(',')
    .map((entry) => entry.trim().split(';'))
    .some(([coding, weight]) => coding === 'gzip' && weight?.trim() !== 'q=0')
}

async function writeStream(
  exchange: Exchange,
  status: number,
  headers: OutgoingHeaders,
  chunks: AsyncIterable<Uint8Array>,
): Promise<void> {
  const output = exchange.respond(status, headers)
  if (exchange.method === 'HEAD') {
    output.end()
    return
  }
  for await (const chunk of untilAborted(chunks, exchange.signal)) {
    if (!output.write(chunk) && !(await drained(output, stalledAfterMs))) {
      exchange.destroy()
      return
    }
  }
  output.end()
}

/** Stops waiting for the next chunk as soon as the client has gone, and lets the source clean up. */
export async function* untilAborted<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]()
  // Not Promise.race against one lasting promise: that would keep a record of every chunk until the end.
  let stopWaiting = (): void => {}
  const stop = () => stopWaiting()
  signal.addEventListener('abort', stop, { once: true })
  try {
    while (!signal.aborted) {
      const next = await new Promise<IteratorResult<T, unknown>>((resolve, reject) => {
        stopWaiting = () => resolve({ done: true, value: undefined })
        iterator.next().then(resolve, reject)
      })
      if (next.done) return
      yield next.value
    }
  } finally {
    signal.removeEventListener('abort', stop)
    // Not awaited: a source that hangs in its own next() would hold the connection.
    void Promise.resolve(iterator.return?.()).catch(() => {})
  }
}

/** @returns false when the peer has gone or took nothing in time */
export function drained(output: Writable, withinMs: number): Promise<boolean> {
  if (output.destroyed) return Promise.resolve(false)
  if (!output.writableNeedDrain) return Promise.resolve(true)
  return new Promise((resolve) => {
    const finish = (result: boolean) => {
      clearTimeout(timer)
      output.off('drain', onDrain).off('close', onClose)
      resolve(result)
    }
    const onDrain = () => finish(true)
    const onClose = () => finish(false)
    const timer = setTimeout(onClose, withinMs)
    output.on('drain', onDrain).on('close', onClose)
  })
}

async function* joinEvents(batches: AsyncIterable<readonly EncodedWatchEvent[]>): AsyncGenerator<Uint8Array> {
  for await (const batch of batches) {
    // Components of this process come first: they put new endpoints into the rules, and other processes want the cores.
    await nextTurn()
    let block: Uint8Array[] = []
    let size = 0
    for (const event of batch) {
      const line = event.json()
      block.push(line)
      size += line.length
      if (size < writeBlockBytes) continue
      yield Buffer.concat(block, size)
      block = []
      size = 0
    }
    // A single event's line is shared by all watchers and written as it is.
    if (block.length > 0) yield block.length === 1 ? block[0]! : Buffer.concat(block, size)
  }
}
