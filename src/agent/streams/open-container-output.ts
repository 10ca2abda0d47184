/** The live ends of one container run: its terminal or stdin, and its output as it grows. */
import { appendFileSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import net from 'node:net'
import type { ExecOptions, ExecSession } from '#api/pod-streams.ts'
import { openMaster, type MasterSide } from '#kernel/run-in-container.ts'
import { setNonBlocking } from '#kernel/libc-process.ts'
import type { ContainerInstance } from '../pod/container-record.ts'
import { OutputWatcher, outputFiles, type OutputFiles } from './watch-output.ts'
import { followFile } from './read-logs.ts'

export class ContainerOutput {
  readonly files: OutputFiles
  readonly #instance: ContainerInstance
  readonly #watcher: OutputWatcher
  readonly #terminal: MasterSide | undefined
  readonly #stdin: net.Socket | undefined
  readonly #ended = Promise.withResolvers<void>()

  /** `fd`: our end of the terminal or of stdin. */
  constructor(directory: string, instance: ContainerInstance, fd: number | undefined, nowMs: () => number) {
    this.#instance = instance
    this.files = outputFiles(directory, instance.stdin !== 'none' && !instance.tty)
    if (instance.tty) appendFileSync(this.files.stdout, '')
    this.#watcher = new OutputWatcher(this.files, nowMs)
    if (fd === undefined) return
    if (instance.tty) {
      this.#terminal = openMaster(fd)
      this.#terminal.output.on('data', (chunk: Buffer) => appendFileSync(this.files.stdout, chunk))
    } else {
      setNonBlocking(fd)
      this.#stdin = new net.Socket({ fd, readable: false, writable: true })
      // A container that does not read its input is no failure of ours.
      this.#stdin.on('error', () => {})
      this.#stdin.unref()
    }
  }

  get live(): OutputWatcher {
    return this.#watcher
  }

  /** The container has ended. */
  end(): void {
    this.#stdin?.destroy()
    const finish = () => {
      this.#watcher.end()
      this.#ended.resolve()
    }
    // What a terminal still holds comes before its end.
    if (this.#terminal && !this.#terminal.output.destroyed) this.#terminal.output.once('close', finish)
    else finish()
  }

  /** Lets go without ending anything. */
  detach(): void {
    this.#watcher.close()
    this.#terminal?.output.destroy()
    this.#stdin?.destroy()
  }

  /** `fromStart`: also what was written before now. */
  attach(options: ExecOptions, fromStart: boolean, signal: AbortSignal): ExecSession {
    const { files } = this
    const closed = new AbortController()
    const until = AbortSignal.any([signal, closed.signal])
    const { tty, stdin } = this.#instance
    const separate = files.stderr !== files.stdout
    const close = () => {
      if (closed.signal.aborted) return
      closed.abort()
      if (stdin === 'once' && options.stdin) this.#stdin?.end()
    }
    signal.addEventListener('abort', close, { once: true })
    return {
      stdout: options.stdout ? this.#follow(files.stdout, fromStart, until) : nothing(),
      stderr: options.stderr && separate ? this.#follow(files.stderr, fromStart, until) : nothing(),
      writeStdin: (chunk) => (options.stdin ? this.#write(chunk) : Promise.resolve()),
      endStdin: () => {
        if (stdin === 'once') this.#stdin?.end()
      },
      resize: ({ width, height }) => {
        if (tty) this.#terminal?.resize(width, height)
      },
      exitCode: this.#ended.promise.then(() => 0),
      close,
    }
  }

  async *#follow(file: string, fromStart: boolean, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const offset = fromStart ? 0 : (statSync(file, { throwIfNoEntry: false })?.size ?? 0)
    const handle = await open(file, 'r')
    try {
      yield* followFile(handle, offset, this.#watcher, signal)
    } finally {
      await handle.close()
    }
  }

  async #write(chunk: Uint8Array): Promise<void> {
    if (this.#terminal) return this.#terminal.write(chunk)
    const stdin = this.#stdin
    if (!stdin || stdin.destroyed || stdin.writableEnded) return
    await new Promise<void>((resolve) => stdin.write(chunk, () => resolve()))
  }
}

async function* nothing(): AsyncIterable<Uint8Array> {}
