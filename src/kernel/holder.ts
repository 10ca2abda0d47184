/**
 * The holder: a sleeping process that keeps a cluster's mount namespace (and, for an ordinary user, its user, host name
 * and IPC namespaces) alive, whatever happens to everything else.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import os from 'node:os'
import { findProgram } from './find-program.ts'
import { identifyProcess, type ProcessIdentity } from './process-identity.ts'

export interface HolderOptions {
  /** A tmpfs is mounted here, inside the holder's mount namespace only. */
  readonly runDir: string
  /** False: make a user namespace. Default: whether this process is root. */
  readonly privileged?: boolean
}

export interface Holder extends ProcessIdentity {
  /** Whether it runs without a user namespace of its own. */
  readonly privileged: boolean
}

const script = 'mount -t tmpfs -o mode=0755 frontdesk "$1" && echo ready && exec sleep infinity >&- 2>&-'

export async function startHolder(options: HolderOptions): Promise<Holder> {
  mkdirSync(options.runDir, { recursive: true })
  const privileged = options.privileged ?? process.getuid?.() === 0
  const namespaces = privileged ? ['--mount'] : ['--user', '--mount', '--uts', '--ipc', ...userMapping()]
  const child = spawn(
    findProgram('unshare'),
    [...namespaces, '--propagation', 'private', findProgram('sh'), '-c', script, 'frontdesk-holder', options.runDir],
    { detached: true, stdio: ['ignore', 'pipe', 'pipe'], cwd: '/' },
  )
  const pid = await untilReady(child)
  child.stdout?.destroy()
  child.stderr?.destroy()
  child.unref()
  const identity = identifyProcess(pid)
  if (!identity) throw new Error('Cannot start the holder process: it ended at once')
  return { ...identity, privileged }
}

/** Argument vector that runs a program inside the holder's namespaces (the network namespace stays the caller's). */
export function enterHolderCommand(holder: Pick<Holder, 'pid' | 'privileged'>): string[] {
  const common = [findProgram('nsenter'), '-t', String(holder.pid), '-m']
  return holder.privileged ? common : [...common, '-U', '-u', '-i', '--preserve-credentials']
}

/** All ids of /etc/subuid where the system allows it; else the user alone, as root. */
export function userMapping(): string[] {
  return mayMapMoreIds() ? ['--map-root-user', '--map-auto'] : ['--map-root-user']
}

function mayMapMoreIds(): boolean {
  const user = findUser()
  // newuidmap serves only users that the system knows by name.
  if (!user) return false
  const { username, uid } = user
  const listed = (file: string) =>
    existsSync(file) &&
    readFileSync(file, 'utf8')
      .split('\n')
      .some((line) => line.startsWith(`${username}:`) || line.startsWith(`${uid}:`))
  const installed = (name: string) => {
    try {
      return findProgram(name) !== ''
    } catch {
      return false
    }
  }
  return listed('/etc/subuid') && listed('/etc/subgid') && installed('newuidmap') && installed('newgidmap')
}

/** Undefined for a bare number without an entry in the user database, as containers like to run programs. */
function findUser(): { readonly username: string; readonly uid: number } | undefined {
  try {
    return os.userInfo()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).errno === -os.constants.errno.ENOENT) return undefined
    throw error
  }
}

function untilReady(child: ReturnType<typeof spawn>): Promise<number> {
  return new Promise((resolve, reject) => {
    let errors = ''
    child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()))
    child.stdout?.once('data', () => resolve(child.pid!))
    child.once('error', (cause) => reject(new Error(`Cannot start the holder process: ${cause.message}`, { cause })))
    child.once('exit', (code) =>
      reject(new Error(`Cannot start the holder process: exit code ${code}${errors && `: ${errors.trim()}`}`)),
    )
  })
}
