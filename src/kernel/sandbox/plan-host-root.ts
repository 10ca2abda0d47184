/**
 * How the machine's own files become a container's root. One overlay over / is refused in a user namespace as soon as
 * something is mounted below / ("failed to clone lowerpath"), so every directory without mounts below it gets an
 * overlay of its own, directories that hold mounts are entered once, and what holds mounts deeper is bound read-only.
 */
export interface HostEntry {
  readonly name: string
  readonly type: 'directory' | 'link' | 'file' | 'other'
}

export type HostRootStep = {
  readonly type: 'overlay' | 'bind' | 'link' | 'directory' | 'bind-file'
  readonly path: string
}

/** Replaced by the container's own: never taken from the host. */
const ownPaths = new Set(['/proc', '/sys', '/dev', '/run'])
const leftOut = new Set(['/boot', '/lost+found'])
const maxDepth = 2

export function planHostRoot(
  list: (directory: string) => readonly HostEntry[],
  mountPoints: readonly string[],
): HostRootStep[] {
  return stepsBelow('/', 1, list, mountPoints)
}

function stepsBelow(
  directory: string,
  depth: number,
  list: (directory: string) => readonly HostEntry[],
  mountPoints: readonly string[],
): HostRootStep[] {
  return list(directory).flatMap((entry): HostRootStep[] => {
    const path = `${directory === '/' ? '' : directory}/${entry.name}`
    if (ownPaths.has(path)) return [{ type: 'directory', path }]
    if (leftOut.has(path)) return []
    if (entry.type === 'link') return [{ type: 'link', path }]
    if (entry.type === 'file') return [{ type: 'bind-file', path }]
    if (entry.type === 'other') return []
    if (!mountPoints.some((point) => point.startsWith(`${path}/`))) return [{ type: 'overlay', path }]
    if (depth === maxDepth) return [{ type: 'bind', path }]
    return [{ type: 'directory', path }, ...stepsBelow(path, depth + 1, list, mountPoints)]
  })
}

/** Mount points of /proc/self/mountinfo's text, with its octal escapes undone. */
export function parseMountPoints(mountinfo: string): string[] {
  return mountinfo
    .split('\n')
    .map((line) => line.split(' ')[4])
    .filter((point) => point !== undefined)
    .map((point) => point.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8))))
}
