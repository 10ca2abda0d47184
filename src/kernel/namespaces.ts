/**
 * Entering and keeping namespaces, for the one thread that may do so (namespace-worker.ts). Everything between entering
 * and leaving is synchronous.
 */
import { closeSync, existsSync, mkdirSync, openSync, unlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { checked, close, mount, open, setns, umount2, unshare } from './libc.ts'
import { chdir, closeInheritedOnExec, ioctlNumber, setHostname } from './libc-process.ts'

export const CLONE_NEWNS = 0x20000
export const CLONE_NEWUTS = 0x4000000
export const CLONE_NEWIPC = 0x8000000
export const CLONE_NEWNET = 0x40000000
const CLONE_FS = 0x200
const MS_BIND = 4096
const MNT_DETACH = 2
const NS_GET_NSTYPE = 0xb703

/** The namespaces in which the calling thread is at home. */
export interface ThreadHome {
  readonly net: number
  readonly mnt: number
  readonly uts: number
  readonly ipc: number
}

/** Gives the calling thread its own network namespace and working directory, and remembers where it is at home. */
export function settleThread(): ThreadHome {
  closeInheritedOnExec()
  checked('separate the working directory', unshare(CLONE_FS))
  checked('change directory', chdir('/'), '/')
  // Also as root: one code path, and nothing of ours ever happens in the host's network namespace by mistake.
  checked('make a network namespace', unshare(CLONE_NEWNET))
  const self = (kind: string) => openPath(`/proc/thread-self/ns/${kind}`)
  return { net: self('net'), mnt: self('mnt'), uts: self('uts'), ipc: self('ipc') }
}

export function inNetns<T>(home: ThreadHome, netns: string, run: () => T): T {
  const fd = openPath(netns)
  try {
    checked('enter network namespace', setns(fd, CLONE_NEWNET), netns)
    try {
      return run()
    } finally {
      checked('leave network namespace', setns(home.net, CLONE_NEWNET))
    }
  } finally {
    close(fd)
  }
}

/** Makes a network namespace and keeps it by a bind mount. @returns false when it was there already */
export function ensureNetns(home: ThreadHome, target: string): boolean {
  if (isNamespaceFile(target)) return false
  checked('make a network namespace', unshare(CLONE_NEWNET))
  try {
    keepNamespace('net', target)
  } finally {
    checked('leave network namespace', setns(home.net, CLONE_NEWNET))
  }
  return true
}

/** Makes host name and System V namespaces and keeps them. */
export function ensureUtsAndIpc(
  home: ThreadHome,
  targets: { readonly uts: string; readonly ipc: string; readonly hostname: string },
): void {
  if (isNamespaceFile(targets.uts) && isNamespaceFile(targets.ipc)) return
  checked('make pod namespaces', unshare(CLONE_NEWUTS | CLONE_NEWIPC))
  try {
    setHostname(targets.hostname)
    keepNamespace('uts', targets.uts)
    keepNamespace('ipc', targets.ipc)
  } finally {
    checked('leave pod namespace', setns(home.uts, CLONE_NEWUTS))
    checked('leave pod namespace', setns(home.ipc, CLONE_NEWIPC))
  }
}

function keepNamespace(kind: string, target: string): void {
  mkdirSync(path.dirname(target), { recursive: true })
  releaseNamespace(target)
  writeFileSync(target, '')
  checked('keep namespace', mount(`/proc/thread-self/ns/${kind}`, target, null, MS_BIND, null), target)
}

/** Lets a kept namespace go; it ends when nothing else holds it. */
export function releaseNamespace(target: string): void {
  if (!existsSync(target)) return
  while (isNamespaceFile(target)) checked('release namespace', umount2(target, MNT_DETACH), target)
  unlinkSync(target)
}

/** False for an absent file and for one that nothing is mounted on. */
export function isNamespaceFile(target: string): boolean {
  let fd: number
  try {
    fd = openSync(target, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
  const isNamespace = ioctlNumber(fd, NS_GET_NSTYPE, 0) > 0
  closeSync(fd)
  return isNamespace
}

export function openPath(target: string): number {
  const O_CLOEXEC = 0x80000
  return checked('open', open(target, O_CLOEXEC, 0), target)
}
