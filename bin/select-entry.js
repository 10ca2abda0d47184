// Says what to run: what `tools/build.ts` made if it is as new as the source, else the source. Plain JavaScript for any
// Node from 20 on.
import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'

/** @param {string} root the package's directory */
export function selectEntry(root) {
  const built = path.join(root, 'dist/bin/frontdesk.js')
  return isBuilt(root, built) ? built : path.join(root, 'src/bin/frontdesk.ts')
}

function isBuilt(root, built) {
  const { mtimeMs } = statSync(built, { throwIfNoEntry: false }) ?? {}
  if (mtimeMs === undefined) return false
  const inputs = ['src', 'tools/build.ts', 'package-lock.json'].map((name) => path.join(root, name))
  return !inputs.some((input) => isNewer(input, mtimeMs))
}

/** Folders too: theirs is the time at which a file in them came or went. The published package has no source. */
function isNewer(file, mtimeMs) {
  const found = statSync(file, { throwIfNoEntry: false })
  if (!found) return false
  if (found.mtimeMs > mtimeMs) return true
  return found.isDirectory() && readdirSync(file).some((name) => isNewer(path.join(file, name), mtimeMs))
}
