/** Finding a path below a root as the image itself would see it: symbolic links lead to places inside the root. */
import { lstatSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { LayerPath } from './plan-layer-entry.ts'

const maxLinks = 40

/**
 * The real directory for `path` below `root`, every symbolic link on the way resolved inside the root. Parts that do not
 * exist yet are appended as they are. Nothing may change the tree meanwhile.
 */
export function resolveInside(root: string, path: LayerPath): string {
  const pending = [...path]
  const resolved: string[] = []
  let links = 0
  for (let part = pending.shift(); part !== undefined; part = pending.shift()) {
    if (part === '..') resolved.pop()
    else if (part !== '' && part !== '.') {
      const target = readLink(join(root, ...resolved, part))
      if (target === undefined) resolved.push(part)
      else {
        if (++links > maxLinks) throw new Error(`too many symbolic links in ${JSON.stringify(path.join('/'))}`)
        if (target.startsWith('/')) resolved.length = 0
        pending.unshift(...target.split('/'))
      }
    }
  }
  return join(root, ...resolved)
}

function readLink(path: string): string | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(path) : undefined
}
