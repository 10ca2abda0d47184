/** Unpacks layers in a Worker, so that the event loop of a control plane stays free. */
import { mkdir, rename } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { dirname, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { OverlayMarkRefused } from './apply-layer.ts'
import { removeTree } from './apply-removal.ts'
import type { UnpackAnswer, UnpackJob } from './run-layer-worker.ts'

/**
 * Makes `job.target` appear complete or not at all; another process that makes the same at the same time is no error.
 * Throws OverlayMarkRefused if the layers must be flattened instead.
 */
export async function unpack(job: UnpackJob, signal: AbortSignal): Promise<{ skippedDevices: number }> {
  const temporary = join(dirname(job.target), `.unpacking-${randomBytes(8).toString('hex')}`)
  await mkdir(temporary, { recursive: true, mode: 0o755 })
  try {
    const answer = await askWorker({ ...job, target: temporary }, signal)
    if (answer.kind === 'marks-refused') throw new OverlayMarkRefused(answer.message)
    if (answer.kind === 'failed') throw new Error(answer.message)
    await rename(temporary, job.target).catch(ignoreExisting)
    return { skippedDevices: answer.skippedDevices }
  } finally {
    await removeTree(temporary)
  }
}

function askWorker(job: UnpackJob, signal: AbortSignal): Promise<UnpackAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<UnpackAnswer>()
  const worker = new Worker(new URL('./run-layer-worker.ts', import.meta.url), { workerData: job })
  const abort = () => {
    void worker.terminate()
    reject(signal.reason as Error)
  }
  worker.once('message', resolve)
  worker.once('error', reject)
  worker.once('exit', (code) => reject(new Error(`the unpacking thread ended with code ${code}`)))
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  return promise.finally(() => signal.removeEventListener('abort', abort))
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST' && error.code !== 'ENOTEMPTY') throw error
}
