/** Runs a further command in a running container, with pipes or a terminal. */
import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process'
import { constants as osConstants } from 'node:os'
import { readFileSync, write as writeFd } from 'node:fs'
import tty from 'node:tty'
import type { Readable } from 'node:stream'
import { findProgram } from './find-program.ts'
import { close } from './libc.ts'
import { requireExecutable } from './sandbox/find-executable.ts'
import { openTerminal, resizeTerminal } from './sandbox/terminal.ts'

export interface ContainerCommand {
  /** Pid 1 of the container, as seen from here. */
  readonly pid: number
  readonly argv: readonly string[]
  readonly env: readonly string[]
  readonly uid: number
  readonly gid: number
  readonly stdin: boolean
  readonly tty: boolean
  /** Of the terminal, in characters. */
  readonly size?: { readonly width: number; readonly height: number }
}

export interface RunningCommand {
  readonly stdout: Readable
  /** Absent with a terminal. */
  readonly stderr: Readable | undefined
  write(chunk: Uint8Array): Promise<void>
  endStdin(): void
  resize(columns: number, rows: number): void
  /** 128 + n for signal n. */
  readonly exitCode: Promise<number>
  /** Ends it at once. */
  kill(): void
}

/** Throws LaunchError when the container has no such program. */
export function runInContainer(command: ContainerCommand): RunningCommand {
  const root = `/proc/${command.pid}/root`
  const path = command.env.find((variable) => variable.startsWith('PATH='))?.slice(5) ?? ''
  requireExecutable(root, command.argv[0] ?? '', '/', path)
  return command.tty ? runOnTerminal(command) : runOnPipes(command)
}

function enterArguments({ pid, uid, gid, argv }: ContainerCommand, pidNamespace = ['-p']): string[] {
  const user = uid === 0 && gid === 0 ? [] : ['-S', String(uid), '-G', String(gid)]
  return ['-t', String(pid), '-m', '-u', '-i', '-n', ...pidNamespace, '-r', '-w', ...user, '--', ...argv]
}

function runOnPipes(command: ContainerCommand): RunningCommand {
  const stdio: StdioOptions = [command.stdin ? 'pipe' : 'ignore', 'pipe', 'pipe']
  const child = spawn(findProgram('nsenter'), enterArguments(command), { stdio, env: asRecord(command.env), cwd: '/' })
  // A command that does not read its input is no failure of ours.
  child.stdin?.on('error', () => {})
  return {
    stdout: child.stdout!,
    stderr: child.stderr!,
    write: (chunk) =>
      new Promise((resolve) => {
        if (!child.stdin || child.stdin.destroyed) resolve()
        else child.stdin.write(chunk, () => resolve())
      }),
    endStdin: () => void child.stdin?.end(),
    resize: () => {},
    exitCode: exitOf(child),
    kill: () => killInside(child),
  }
}

function runOnTerminal(command: ContainerCommand): RunningCommand {
  const { masterFd, slaveFd } = openTerminal(`/proc/${command.pid}/root/dev/pts/ptmx`)
  if (command.size) resizeTerminal(masterFd, command.size.width, command.size.height)
  const hasTerm = command.env.some((variable) => variable.startsWith('TERM='))
  const env = asRecord(hasTerm ? command.env : [...command.env, 'TERM=xterm'])
  // The session begins inside the pid namespace, or shells there could not move the terminal between their jobs.
  const session = [findProgram('setsid'), '--ctty', findProgram('nsenter')]
  const args = ['-t', String(command.pid), '-p', ...session, ...enterArguments(command, [])]
  const child = spawn(findProgram('nsenter'), args, { stdio: [slaveFd, slaveFd, slaveFd], env, cwd: '/' })
  close(slaveFd)
  const terminal = openMaster(masterFd)
  return {
    stdout: terminal.output,
    stderr: undefined,
    write: terminal.write,
    // A terminal has no end of input: the user types Ctrl-D.
    endStdin: () => {},
    resize: (columns, rows) => terminal.resize(columns, rows),
    exitCode: exitOf(child),
    kill: () => {
      killInside(child)
      terminal.output.destroy()
    },
  }
}

export interface MasterSide {
  /** Ends when the last user of the other side has gone. Destroy it to close the descriptor. */
  readonly output: Readable
  write(chunk: Uint8Array): Promise<void>
  resize(columns: number, rows: number): void
}

/** Wraps our side of a terminal. */
export function openMaster(masterFd: number): MasterSide {
  const stream = new tty.ReadStream(masterFd)
  let open = true
  stream.once('close', () => (open = false))
  // EIO says that nobody has the other side open any more: that is the end, not an error.
  stream.on('error', () => stream.destroy())
  return {
    output: stream,
    write: (chunk) =>
      new Promise((resolve) => {
        if (!open) resolve()
        else writeFd(masterFd, chunk, () => resolve())
      }),
    resize: (columns, rows) => {
      if (open) resizeTerminal(masterFd, columns, rows)
    },
  }
}

/** The command is a grandchild in another pid namespace: killing nsenter alone would leave it running. */
function killInside(child: ChildProcess): void {
  for (const pid of descendants(child.pid ?? 0)) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
  child.kill('SIGKILL')
}

function descendants(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
    return children.flatMap((childPid) => [...descendants(childPid), childPid])
  } catch {
    return []
  }
}

function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal ? osConstants.signals[signal] : 0)))
  })
}

function asRecord(env: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    env.map((variable) => {
      const equals = variable.indexOf('=')
      return [variable.slice(0, equals), variable.slice(equals + 1)]
    }),
  )
}
