/** Paths inside another root: symbolic links are followed as a process chrooted there would see them. */
import { lstatSync, mkdirSync, readlinkSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const maxLinks = 40

/** The outside path of `inside`; components that do not exist are kept as they are. */
export function resolveInRoot(root: string, inside: string): string {
  let resolved = ''
  const rest = inside.split('/').reverse()
  for (let links = 0; rest.length > 0;) {
    const part = rest.pop()!
    if (part === '' || part === '.') continue
    if (part === '..') {
      resolved = path.posix.dirname(resolved)
      if (resolved === '/' || resolved === '.') resolved = ''
      continue
    }
    const next = `${resolved}/${part}`
    const link = readLink(root + next)
    if (link === undefined) {
      resolved = next
      continue
    }
    if (++links > maxLinks) throw new Error(`Cannot resolve ${inside}: too many symbolic links`)
    if (link.startsWith('/')) resolved = ''
    rest.push(...link.split('/').reverse())
  }
  return root + resolved
}

/** Asks before reading: most components are no links, and an exception is dear on this path. */
function readLink(file: string): string | undefined {
  const stat = lstatSync(file, { throwIfNoEntry: false })
  return stat?.isSymbolicLink() ? readlinkSync(file) : undefined
}

/** Makes sure that `inside` can be mounted on: a directory, or a file when `source` is one. @returns the outside path */
export function ensureMountPoint(root: string, inside: string, source: string): string {
  const target = resolveInRoot(root, inside)
  if (statSync(source).isDirectory()) {
    mkdirSync(target, { recursive: true })
    return target
  }
  mkdirSync(path.dirname(target), { recursive: true })
  if (!lstatSync(target, { throwIfNoEntry: false })) writeFileSync(target, '')
  return target
}
