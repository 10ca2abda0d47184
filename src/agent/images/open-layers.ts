/** Unpacked layers: each a directory named by the digest of its contents, made once for all images and clusters. */
import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '#observe/log.ts'
import { OverlayMarkRefused } from './apply-layer.ts'
import { ignoreMissing } from './open-blobs.ts'
import { unpack } from './run-unpack.ts'
import type { UnpackJob } from './run-layer-worker.ts'

export interface PackedLayer {
  /** The blob's file. */
  readonly blob: string
  readonly diffId: string
}

export interface Layers {
  /** Directories for the layers, lowest first, unpacked now if they are not yet. */
  ensure(layers: readonly PackedLayer[], signal: AbortSignal): Promise<readonly string[]>
}

/** mount(2) takes one page of options; the upper and work directories need room in it too. */
const maxLowerDirLength = 3400
const maxWorkers = 2

export function openLayers(dir: string, log: Log): Layers {
  const running = new Map<string, Promise<void>>()
  const slots = openSlots(maxWorkers)
  const make = async (job: UnpackJob, signal: AbortSignal): Promise<void> => {
    if (await exists(job.target)) return
    const started = performance.now()
    const { skippedDevices } = await slots(() => unpack(job, signal))
    const ms = Math.round(performance.now() - started)
    log.debug({ target: job.target, form: job.form, skippedDevices, ms }, 'layer unpacked')
  }
  const makeOnce = (job: UnpackJob, signal: AbortSignal): Promise<void> => {
    const inProgress = running.get(job.target)
    if (inProgress) return inProgress
    const promise = make(job, signal).finally(() => running.delete(job.target))
    running.set(job.target, promise)
    return promise
  }
  return {
    ensure: async (layers, signal) => {
      const flat = join(dir, flatName(layers))
      if (await exists(flat)) return [flat]
      const distinct = withoutRepeats(layers)
      const targets = distinct.map((layer) => join(dir, layerName(layer.diffId)))
      const unpackAll = distinct.map((layer, index) => ({
        layers: [layer],
        target: targets[index]!,
        form: 'overlay' as const,
      }))
      try {
        if (targets.join(':').length > maxLowerDirLength) throw new OverlayMarkRefused('the image has too many layers')
        await settled(unpackAll.map((job) => makeOnce(job, signal)))
        return targets
      } catch (error) {
        if (!(error instanceof OverlayMarkRefused)) throw error
        log.info({ why: error.message, layers: layers.length }, 'the layers are flattened into one directory')
        await makeOnce({ layers, target: flat, form: 'flat' }, signal)
        return [flat]
      }
    },
  }
}

/** Short, because all of an image's directories must fit into one mount option; 128 bits do not collide. */
export function layerName(diffId: string): string {
  return diffId.slice('sha256:'.length, 'sha256:'.length + 32)
}

export function flatName(layers: readonly { readonly diffId: string }[]): string {
  const hash = createHash('sha256').update(layers.map(({ diffId }) => diffId).join('\n'))
  return `flat-${hash.digest('hex').slice(0, 32)}`
}

/** Overlayfs refuses one directory twice; the upper of two equal layers hides all that the lower one does. */
function withoutRepeats(layers: readonly PackedLayer[]): readonly PackedLayer[] {
  return layers.filter(({ diffId }, index) => !layers.slice(index + 1).some((later) => later.diffId === diffId))
}

/** Waits for all, so that nothing goes on behind the caller's back; then throws the first failure. */
async function settled(promises: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(promises)
  const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as Error] : []))
  const failure = failures.find((error) => !(error instanceof OverlayMarkRefused)) ?? failures[0]
  if (failure) throw failure
}

function openSlots(count: number): <T>(work: () => Promise<T>) => Promise<T> {
  let free = count
  const waiting: (() => void)[] = []
  return async (work) => {
    if (free > 0) free--
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free++
    }
  }
}

const exists = async (path: string) => (await stat(path).catch(ignoreMissing)) !== undefined
