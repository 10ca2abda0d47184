import type { Readable } from 'node:stream'
import { tooLarge } from '../api-errors.ts'

/** As in Kubernetes: more than the store could take anyway. */
export const bodyLimitBytes = 3 * 1024 * 1024

/** @returns the whole body, undefined when it is empty; throws 413 beyond the limit without reading on */
export async function readBody(input: Readable, declaredLength: string | undefined): Promise<Uint8Array | undefined> {
  if (Number(declaredLength) > bodyLimitBytes) throw bodyTooLarge()
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of input.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > bodyLimitBytes) throw bodyTooLarge()
    chunks.push(chunk)
  }
  if (chunks.length <= 1) return chunks[0]
  return Buffer.concat(chunks, size)
}

const bodyTooLarge = () => tooLarge(`Request entity too large: limit is ${bodyLimitBytes}`)
