/** Worker: unpacks layers, lowest first, into one directory and answers with an UnpackAnswer. */
import { createHash, type Hash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { ReadableStream } from 'node:stream/web'
import { parentPort, workerData } from 'node:worker_threads'
import { createTarDecoder } from 'modern-tar'
import { type LayerForm, openLayerWriter, OverlayMarkRefused } from './apply-layer.ts'
import { openDecompressed } from './open-decompressed.ts'

export interface UnpackJob {
  readonly layers: readonly { readonly blob: string; readonly diffId: string }[]
  readonly target: string
  readonly form: LayerForm
}

export type UnpackAnswer =
  | { readonly kind: 'done'; readonly skippedDevices: number }
  | { readonly kind: 'marks-refused'; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string }

if (parentPort) parentPort.postMessage(await answer(workerData as UnpackJob))

async function answer({ layers, target, form }: UnpackJob): Promise<UnpackAnswer> {
  try {
    let skippedDevices = 0
    for (const layer of layers) skippedDevices += await unpackLayer(layer, target, form)
    return { kind: 'done', skippedDevices }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { kind: error instanceof OverlayMarkRefused ? 'marks-refused' : 'failed', message }
  }
}

async function unpackLayer(layer: UnpackJob['layers'][number], target: string, form: LayerForm): Promise<number> {
  const hash = createHash('sha256')
  const writer = openLayerWriter(target, form)
  const source = ReadableStream.from(hashed(await openDecompressed(layer.blob), hash))
  for await (const { header, body } of source.pipeThrough(createTarDecoder({ strict: true }))) {
    await writer.write(header, body)
  }
  writer.finish()
  const digest = `sha256:${hash.digest('hex')}`
  if (digest !== layer.diffId) throw new Error(`the unpacked layer is ${digest}, the image names ${layer.diffId}`)
  return writer.skippedDevices
}

async function* hashed(source: Readable, hash: Hash): AsyncGenerator<Uint8Array> {
  for await (const chunk of source as AsyncIterable<Uint8Array>) {
    hash.update(chunk)
    yield chunk
  }
}
