/**
 * What a container writes: files, so that it needs nobody to write them for it. While an agent lives it notes when they
 * grew (`times`: lines of offset and milliseconds), which gives log lines their time stamps.
 */
import { appendFileSync, readFileSync, statSync, watch, type FSWatcher } from 'node:fs'
import path from 'node:path'

export interface OutputFiles {
  readonly stdout: string
  /** The same as stdout unless the container was started for an interactive user. */
  readonly stderr: string
  readonly times: string
}

export function outputFiles(instanceDir: string, separate: boolean): OutputFiles {
  const stdout = path.join(instanceDir, 'log')
  return {
    stdout,
    stderr: separate ? path.join(instanceDir, 'log.err') : stdout,
    times: path.join(instanceDir, 'times'),
  }
}

export interface Growth {
  readonly offset: number
  readonly timeMs: number
}

/** Output that may still grow. */
export interface LiveOutput {
  readonly ended: boolean
  /** Resolves at the next growth, at the end, or when the signal aborts. */
  changed(signal: AbortSignal): Promise<void>
}

const noteEveryMs = 10

export class OutputWatcher implements LiveOutput {
  ended = false
  readonly #files: OutputFiles
  readonly #nowMs: () => number
  readonly #watcher: FSWatcher
  #waiting = new Set<() => void>()
  #notedBytes = 0
  #timer: NodeJS.Timeout | undefined

  constructor(files: OutputFiles, nowMs: () => number) {
    this.#files = files
    this.#nowMs = nowMs
    this.#notedBytes = readGrowth(files.times).at(-1)?.offset ?? 0
    const names = new Set([path.basename(files.stdout), path.basename(files.stderr)])
    this.#watcher = watch(path.dirname(files.stdout), { persistent: false }, (_event, name) => {
      if (name !== null && names.has(name)) this.#onGrowth()
    })
    this.#watcher.on('error', () => {})
    this.#note()
  }

  async changed(signal: AbortSignal): Promise<void> {
    if (this.ended || signal.aborted) return
    await new Promise<void>((resolve) => {
      const finish = () => {
        this.#waiting.delete(finish)
        signal.removeEventListener('abort', finish)
        resolve()
      }
      this.#waiting.add(finish)
      signal.addEventListener('abort', finish, { once: true })
    })
  }

  /** The container has ended: nothing more will come. */
  end(): void {
    this.#note()
    this.ended = true
    this.close()
  }

  /** Stops watching; the container may go on. */
  close(): void {
    this.#watcher.close()
    clearTimeout(this.#timer)
    this.#wake()
  }

  #onGrowth(): void {
    this.#wake()
    if (this.#timer) return
    this.#note()
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#note()
    }, noteEveryMs)
    this.#timer.unref()
  }

  #note(): void {
    const { size, mtimeMs } = fileState(this.#files.stdout)
    if (size <= this.#notedBytes) return
    this.#notedBytes = size
    const timeMs = Math.min(Math.round(mtimeMs), this.#nowMs())
    appendFileSync(this.#files.times, `${size} ${timeMs}\n`)
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = new Set()
    for (const resolve of waiting) resolve()
  }
}

function fileState(file: string): { readonly size: number; readonly mtimeMs: number } {
  const stat = statSync(file, { throwIfNoEntry: false })
  return stat ? { size: stat.size, mtimeMs: stat.mtimeMs } : { size: 0, mtimeMs: 0 }
}

export function readGrowth(timesFile: string): Growth[] {
  let text: string
  try {
    text = readFileSync(timesFile, 'utf8')
  } catch {
    return []
  }
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [offset = 0, timeMs = 0] = line.split(' ').map(Number)
      return { offset, timeMs }
    })
}

/** When the byte at `offset` was written, as far as that was noted. */
export function timeAt(growth: readonly Growth[], offset: number): number | undefined {
  let low = 0
  let high = growth.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (growth[middle]!.offset > offset) high = middle
    else low = middle + 1
  }
  return growth[low]?.timeMs
}
