/** Starts a process that outlives this one, with its output in a file and an optional pipe for telling progress. */
import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { identifyProcess, type ProcessIdentity } from './process-identity.ts'

export interface DetachedOptions {
  /** Program and arguments. */
  readonly command: readonly [string, ...string[]]
  readonly env: Readonly<Record<string, string | undefined>>
  /** Appended to; holds stdout and stderr. */
  readonly logFile: string
  /** Our descriptors that it gets as its own, from `firstInheritedFd` on. */
  readonly inherited?: readonly number[]
}

export const firstInheritedFd = 4

export interface DetachedProcess {
  readonly identity: ProcessIdentity
  /** What the process writes to descriptor 3. Ends when it closes it or dies. */
  readonly progress: Readable
  /** Resolves with the exit code (128 + n for signal n) if it ends while we watch. */
  readonly exited: Promise<number>
  /** Lets this process end although the other one runs on. */
  release(): void
}

export async function startDetached(options: DetachedOptions): Promise<DetachedProcess> {
  mkdirSync(path.dirname(options.logFile), { recursive: true })
  const log = openSync(options.logFile, 'a', 0o600)
  const [program, ...args] = options.command
  const child = spawn(program, args, {
    detached: true,
    stdio: ['ignore', log, log, 'pipe', ...(options.inherited ?? [])],
    env: { ...options.env },
    cwd: '/',
  })
  closeSync(log)
  const exited = new Promise<number>((resolve) => {
    child.on('exit', (code, signal) => resolve(code ?? 128 + signalNumber(signal)))
  })
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (cause) => reject(new Error(`Cannot start ${program}: ${cause.message}`, { cause })))
  })
  const identity = identifyProcess(child.pid ?? 0)
  if (!identity) throw new Error(`Cannot start ${program}: it ended at once`)
  const progress = child.stdio[3] as Readable
  return {
    identity,
    progress,
    exited,
    release: () => {
      progress.destroy()
      child.unref()
    },
  }
}

function signalNumber(signal: NodeJS.Signals | null): number {
  return signal === 'SIGKILL' ? 9 : signal === 'SIGTERM' ? 15 : signal === 'SIGINT' ? 2 : 1
}
