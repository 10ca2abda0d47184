/** Runs scenarios in fresh namespaces, as root and as an ordinary user, and says what they printed. */
import { spawn, spawnSync } from 'node:child_process'
import { chownSync, mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { findProgram } from '../find-program.ts'

export interface ScenarioUser {
  readonly name: string
  /** Absent: whoever runs the tests. */
  readonly uid?: number
  /** Why the scenario cannot run as this user. */
  readonly skip: string | false
}

const nobody = 65534

export function scenarioUsers(): ScenarioUser[] {
  if (process.getuid?.() !== 0) return [{ name: 'as an ordinary user', skip: tryNamespaces(undefined) }]
  return [
    { name: 'as root', skip: tryNamespaces(undefined) },
    { name: 'as an ordinary user', uid: nobody, skip: tryNamespaces(nobody) },
  ]
}

/** Tries what a scenario needs first: the checkout is readable and namespaces may be made. */
function tryNamespaces(uid: number | undefined): string | false {
  const script = path.join(import.meta.dirname, 'enter-holder.ts')
  const readable = spawnSync(...commandLine(uid, [process.execPath, '--check', script]), { cwd: '/' })
  if (readable.status !== 0) return 'that user cannot read this checkout'
  const user = uid === undefined && process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']
  const unshare = [findProgram('unshare'), ...user, '--mount', '--net', '--uts', '--ipc', 'true']
  const made = spawnSync(...commandLine(uid, unshare), { cwd: '/' })
  return made.status === 0 ? false : `namespaces cannot be made here: ${made.stderr.toString().trim()}`
}

function commandLine(uid: number | undefined, command: readonly string[]): [string, string[]] {
  if (uid === undefined) return [command[0]!, command.slice(1)]
  const identity = [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups']
  return [findProgram('setpriv'), [...identity, ...command]]
}

/** `scripts`: paths, run one after the other in the same namespaces. Throws with their output when one fails. */
export async function runScenario(user: ScenarioUser, scripts: readonly string[]): Promise<string> {
  const base = mkdtempSync(path.join(os.tmpdir(), 'kernel-scenario-'))
  if (user.uid !== undefined) chownSync(base, user.uid, user.uid)
  try {
    const entry = path.join(import.meta.dirname, 'enter-holder.ts')
    const [program, args] = commandLine(user.uid, [process.execPath, entry, base, ...scripts])
    const child = spawn(program, args, {
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, HOME: base },
    })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
    const code = await new Promise<number | null>((resolve) => child.once('exit', resolve))
    if (code !== 0) throw new Error(`Cannot pass the scenario (exit code ${code}):\n${output}`)
    return output
  } finally {
    rmSync(base, { recursive: true, force: true })
  }
}
