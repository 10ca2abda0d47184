/** Runs programs as one of the users, with output kept for assertions and failures that show it. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import type { TestUser } from './test-users.ts'

export interface CommandResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface CommandOptions {
  readonly user: TestUser
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
  readonly timeoutMs?: number
}

export type RunningCommand = ChildProcessByStdio<Writable, Readable, Readable>

const defaultTimeoutMs = 90_000

export function startCommand(command: readonly string[], { user, env }: CommandOptions): RunningCommand {
  const [program = '', ...args] = command
  return spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    cwd: '/',
    env: { PATH: process.env.PATH, LANG: 'C.UTF-8', HOME: user.home, ...env },
    ...(user.ids ? { uid: user.ids.uid, gid: user.ids.gid } : {}),
  })
}

/** Waits for the end; any exit code is fine. Throws if it takes too long, with what was printed until then. */
export async function tryCommand(command: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const child = startCommand(command, options)
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text))
  child.stdin.on('error', () => {}) // A program that reads no input may close it before it is written.
  child.stdin.end(options.input ?? '')
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  child.once('error', reject)
  child.once('close', (code, signal) => resolve(code ?? (signal ? 255 : 1)))
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs
  const timer = setTimeout(() => {
    child.kill('SIGKILL')
    reject(new Error(`${describe(command)} took longer than ${timeoutMs} ms\n${output.stdout}${output.stderr}`))
  }, timeoutMs)
  try {
    return { code: await promise, ...output }
  } finally {
    clearTimeout(timer)
  }
}

/** Throws unless the command succeeds; gives what it printed on standard output. */
export async function runCommand(command: readonly string[], options: CommandOptions): Promise<string> {
  const { code, stdout, stderr } = await tryCommand(command, options)
  if (code === 0) return stdout
  throw new Error(`${describe(command)} ended with code ${code}\n${stdout}${stderr}`)
}

const describe = (command: readonly string[]) =>
  command.map((word) => (/\s/.test(word) ? JSON.stringify(word) : word)).join(' ')
