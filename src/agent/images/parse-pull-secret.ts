/** Secrets of type kubernetes.io/dockerconfigjson and kubernetes.io/dockercfg. */
import type { Credentials } from './contract.ts'
import { parseReference } from './parse-reference.ts'

export interface RegistryCredentials extends Credentials {
  /** Registry host and optional path, without scheme: `ghcr.io`, `docker.io`, `*.example.com`, `a.io/team`. */
  readonly server: string
}

/** Entries of `.dockerconfigjson` (or the older `.dockercfg`); throws an Error that names what is wrong. */
export function parsePullSecret(text: string): readonly RegistryCredentials[] {
  const parsed = asRecord(JSON.parse(text), 'the document')
  const auths = 'auths' in parsed ? asRecord(parsed.auths ?? {}, '"auths"') : parsed
  return Object.entries(auths).flatMap(([server, value]) => {
    const credentials = readEntry(asRecord(value, `"${server}"`))
    return credentials ? [{ server: normalizeServer(server), ...credentials }] : []
  })
}

/** What may be tried for an image, best match (longest path) first, as the kubelet does. */
export function selectCredentials(entries: readonly RegistryCredentials[], image: string): readonly Credentials[] {
  const { registry, repository } = parseReference(image)
  return entries
    .filter(({ server }) => serverMatches(server, registry, repository))
    .toSorted((a, b) => b.server.length - a.server.length)
    .map(({ username, password }) => ({ username, password }))
}

function readEntry(entry: Record<string, unknown>): Credentials | undefined {
  if (typeof entry.auth === 'string' && entry.auth !== '') {
    const decoded = new TextDecoder().decode(Uint8Array.from(atob(entry.auth.trim()), (char) => char.charCodeAt(0)))
    const colon = decoded.indexOf(':')
    if (colon < 0) throw new Error('Cannot read a pull secret: "auth" is not base64 of user:password')
    return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1).replace(/\0+$/, '') }
  }
  if (typeof entry.username !== 'string') return undefined
  return { username: entry.username, password: typeof entry.password === 'string' ? entry.password : '' }
}

/** `https://index.docker.io/v1/` is how Docker names its hub. */
function normalizeServer(server: string): string {
  const bare = server.replace(/^https?:\/\//, '').replace(/\/+$/, '')
  const withoutVersion = bare.replace(/\/v[12]$/, '')
  return withoutVersion.replace(/^(?:index|registry-1)\.docker\.io(?=\/|$)/, 'docker.io')
}

function serverMatches(server: string, registry: string, repository: string): boolean {
  const slash = server.indexOf('/')
  const host = slash < 0 ? server : server.slice(0, slash)
  const path = slash < 0 ? '' : server.slice(slash + 1)
  return hostMatches(host, registry) && (path === '' || repository === path || repository.startsWith(`${path}/`))
}

/** `*` stands for one label, or for a part of one. */
function hostMatches(pattern: string, host: string): boolean {
  const form = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^.:/]*')
  return new RegExp(`^${form}$`).test(host)
}

function asRecord(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new Error(`Cannot read a pull secret: ${what} is not an object`)
}
