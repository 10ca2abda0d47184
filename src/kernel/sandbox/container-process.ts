/** Finds and signals the process inside a container, known by its shim. */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { close } from '../libc.ts'
import { copyFdFrom, openPidfd, signalPidfd } from '../libc-process.ts'
import { isRunning, type ProcessIdentity } from '../process-identity.ts'

/** Pid 1 of the container as seen from here; undefined when it has ended or has not begun. */
export function containerPid(shim: ProcessIdentity): number | undefined {
  if (!isRunning(shim)) return undefined
  try {
    const children = readFileSync(`/proc/${shim.pid}/task/${shim.pid}/children`, 'utf8')
    return Number(children.split(' ')[0]) || undefined
  } catch {
    return undefined
  }
}

/** Waits the moment until the container's own program runs, in its own root. Undefined: it has ended. */
export async function untilEntered(shim: ProcessIdentity, rootfs: string): Promise<number | undefined> {
  while (isRunning(shim)) {
    const pid = containerPid(shim)
    if (pid !== undefined && runsOwnProgram(pid, rootfs)) return pid
    await delay(1)
  }
  return undefined
}

/** Before that, the programs that prepare it carry the root's path among their arguments (plan-command.ts). */
function runsOwnProgram(pid: number, rootfs: string): boolean {
  try {
    if (!readlinkSync(`/proc/${pid}/root`).endsWith(rootfs)) return false
    return !readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`--root=${rootfs}\0`)
  } catch {
    return false
  }
}

/** @returns whether there was a process to signal */
export function signalContainer(shim: ProcessIdentity, signal: number): boolean {
  const pid = containerPid(shim)
  if (pid === undefined) return false
  let pidfd: number
  try {
    pidfd = openPidfd(pid)
  } catch {
    return false
  }
  // The descriptor pins the process; if it is still the shim's child, it is the right one.
  const isSame = containerPid(shim) === pid
  const signalled = isSame && signalPidfd(pidfd, signal)
  close(pidfd)
  return signalled
}

/** Our end of the terminal or of stdin again, from the shim, which keeps it for whoever comes after us. */
export function takeKeptDescriptor(shim: ProcessIdentity): number | undefined {
  const pidfd = openPidfd(shim.pid)
  try {
    const kept = keptDescriptor(shim.pid)
    return kept === undefined ? undefined : copyFdFrom(pidfd, kept)
  } finally {
    close(pidfd)
  }
}

/** It was given as 3, but a shell may move it out of a command's way. */
function keptDescriptor(pid: number): number | undefined {
  const descriptors = readdirSync(`/proc/${pid}/fd`)
    .map(Number)
    .toSorted((a, b) => a - b)
  return descriptors.find((fd) => fd > 2 && /^pipe:|ptmx$/.test(readlinkSync(`/proc/${pid}/fd/${fd}`)))
}
