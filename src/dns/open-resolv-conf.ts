/** The host's resolvers as its resolv.conf names them now; without a watch, which a replaced symlink would escape. */
import { readFileSync, statSync } from 'node:fs'
import type { Clock } from '#lib/clock.ts'
import { parseResolvConf, parseSearches, type Upstream } from './parse-resolv-conf.ts'

const checkEveryMs = 1000

/** Call the result whenever servers are needed: it looks at the file at most once a second, and reads it when changed. */
export function openResolvConf(path: string, clock: Clock): () => readonly Upstream[] {
  let servers: readonly Upstream[] = []
  let version = ''
  let nextCheckMs = -Infinity
  return () => {
    const nowMs = clock.nowMs()
    if (nowMs < nextCheckMs) return servers
    nextCheckMs = nowMs + checkEveryMs
    const file = statSync(path, { throwIfNoEntry: false })
    const found = file ? `${file.dev}:${file.ino}:${file.size}:${file.mtimeMs}:${file.ctimeMs}` : 'missing'
    if (found === version) return servers
    version = found
    servers = file ? parseResolvConf(readFileSync(path, 'utf8')) : []
    return servers
  }
}

/** The search domains that the file names now. */
export function readSearches(path: string): string[] {
  const file = statSync(path, { throwIfNoEntry: false })
  return file ? parseSearches(readFileSync(path, 'utf8')) : []
}
