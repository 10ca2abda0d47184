/**
 * A launch that was cut off, because its process was killed, may leave a container that nobody has written down, and
 * layers that cannot be mounted again. Both have to go before the same run of the container is launched once more.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { identifyProcess, signalProcess } from '../process-identity.ts'
import type { ContainerLaunch } from './container-launch.ts'
import { signalContainer } from './container-process.ts'

const SIGKILL = 9

export function clearLeftovers({ rootfs, stateDir }: ContainerLaunch): void {
  const left = [rootfs.scratch, rootfs.memoryScratch].flatMap(listPaths)
  if (left.length === 0) return
  endLeftovers(stateDir)
  for (const directory of left) rmSync(directory, { recursive: true, force: true })
}

/** Kills containers that were started with this state directory. For runs that nobody has written down only. */
export function endLeftovers(stateDir: string): void {
  for (const pid of findShims(stateDir)) endContainer(pid)
}

function listPaths(directory: string): string[] {
  try {
    return readdirSync(directory).map((name) => path.join(directory, name))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** By their arguments (plan-command.ts). */
function findShims(stateDir: string): number[] {
  const pids = readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name))
  return pids.filter((pid) => readArguments(pid).includes(`\0shim\0${stateDir}\0`)).map(Number)
}

function readArguments(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

/** Stopped first: the shim must neither begin with its program meanwhile nor write how that ended. */
function endContainer(pid: number): void {
  const shim = identifyProcess(pid)
  if (!shim) return
  signalProcess(shim, 'SIGSTOP')
  signalContainer(shim, SIGKILL)
  signalProcess(shim, 'SIGKILL')
}
