/** The host's resolvers as its resolv.conf names them now; without a watch, which a replaced symlink would escape. */
import { readFileSync, statSync } from 'node:fs'
import type { Clock } from '#lib/clock.ts'
import { parseResolvConf, parseSearches, type Upstream } from './parse-resolv-conf.ts'

const checkEveryMs = 1000

export interface HostResolver {
  readonly servers: readonly Upstream[]
  readonly searches: readonly string[]
}

/** Call the result whenever it is needed: it looks at the file at most once a second, and reads it when changed. */
export function openResolvConf(path: string, clock: Clock): () => HostResolver {
  let resolver: HostResolver = { servers: [], searches: [] }
  let version = ''
  let nextCheckMs = -Infinity
  return () => {
    const nowMs = clock.nowMs()
    if (nowMs < nextCheckMs) return resolver
    nextCheckMs = nowMs + checkEveryMs
    const file = statSync(path, { throwIfNoEntry: false })
    const found = file ? `${file.dev}:${file.ino}:${file.size}:${file.mtimeMs}:${file.ctimeMs}` : 'missing'
    if (found === version) return resolver
    version = found
    const text = file ? readFileSync(path, 'utf8') : ''
    resolver = { servers: parseResolvConf(text), searches: parseSearches(text) }
    return resolver
  }
}
