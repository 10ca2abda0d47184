/** Which processes live in a cluster: found by their namespaces, so nothing that a pod started is missed. */
import { readdirSync, readlinkSync, statSync } from 'node:fs'

/** A namespace as /proc names it: `net:[4026532281]`. */
export type NamespaceLink = string

/** Network namespaces that are bind-mounted below `dir` inside the mount namespace of `holderPid`. */
export function listMountedNamespaces(holderPid: number, dir: string): NamespaceLink[] {
  const inside = `/proc/${holderPid}/root${dir}`
  try {
    return readdirSync(inside).map((name) => `net:[${statSync(`${inside}/${name}`).ino}]`)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** The user namespace of a process; undefined when it is the caller's own (or the process has gone). */
export function foreignUserNamespace(pid: number): NamespaceLink | undefined {
  const theirs = readNamespace(pid, 'user')
  return theirs === readNamespace('self', 'user') ? undefined : theirs
}

/** Pids of every process that is in one of the given namespaces (network or user). */
export function findMembers(namespaces: readonly NamespaceLink[]): number[] {
  const wanted = new Set(namespaces)
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number)
    .filter((pid) => [readNamespace(pid, 'net'), readNamespace(pid, 'user')].some((link) => link && wanted.has(link)))
}

/** undefined when the process has gone or belongs to somebody else. */
function readNamespace(pid: number | 'self', kind: 'net' | 'user'): NamespaceLink | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`)
  } catch {
    return undefined
  }
}
