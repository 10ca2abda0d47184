/** Where the host keeps the small programs that we start (NixOS and others do not have /usr/bin). */
import { accessSync, constants } from 'node:fs'

const found = new Map<string, string>()
const usualDirectories = ['/usr/bin', '/bin', '/usr/sbin', '/sbin', '/run/current-system/sw/bin']

/** Absolute path of a program; throws when it is not installed. */
export function findProgram(name: string): string {
  const known = found.get(name)
  if (known) return known
  const directories = [...(process.env.PATH ?? '').split(':').filter(Boolean), ...usualDirectories]
  const match = directories.map((directory) => `${directory}/${name}`).find(isExecutable)
  if (!match) throw new Error(`Cannot find the program ${name}: it is in none of ${directories.join(':')}`)
  found.set(name, match)
  return match
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
