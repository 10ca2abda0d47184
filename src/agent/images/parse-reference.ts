/** Image references as people write them: `busybox`, `localhost:5000/a/b:v1`, `ghcr.io/x/y@sha256:…`. */
import { PullError } from './contract.ts'

export interface Reference {
  /** `docker.io`, `localhost:5000`, `[::1]:5000`. */
  readonly registry: string
  /** `library/busybox`. */
  readonly repository: string
  /** Absent when only a digest was given. */
  readonly tag?: string
  readonly digest?: string
}

const component = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/
const tagForm = /^\w[\w.-]{0,127}$/
const digestForm = /^sha256:[0-9a-f]{64}$/
const label = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?'
const registryForm = new RegExp(`^(?:${label}(?:\\.${label})*|\\[[0-9a-fA-F:]+\\])(?::[0-9]+)?$`)
const maxNameLength = 255

/** Completes the reference as Docker and Kubernetes do. Throws PullError `InvalidImageName`. */
export function parseReference(text: string): Reference {
  const { name, tag, digest } = splitReference(text)
  const { registry, repository } = splitName(name)
  const problem = findProblem({ registry, repository, tag, digest }, name)
  if (problem) throw new PullError('InvalidImageName', `couldn't parse image name ${JSON.stringify(text)}: ${problem}`)
  return {
    registry,
    repository,
    ...(tag !== undefined ? { tag } : digest === undefined ? { tag: 'latest' } : {}),
    ...(digest !== undefined ? { digest } : {}),
  }
}

/** One spelling per image: what the index is keyed by and what messages show. */
export function formatReference(reference: Reference): string {
  const name = `${reference.registry}/${reference.repository}`
  return reference.digest !== undefined ? `${name}@${reference.digest}` : `${name}:${reference.tag ?? 'latest'}`
}

function splitReference(text: string): { name: string; tag?: string; digest?: string } {
  const at = text.indexOf('@')
  const digest = at < 0 ? undefined : text.slice(at + 1)
  const rest = at < 0 ? text : text.slice(0, at)
  const colon = rest.lastIndexOf(':')
  const tag = colon > rest.lastIndexOf('/') ? rest.slice(colon + 1) : undefined
  const name = tag === undefined ? rest : rest.slice(0, colon)
  return { name, ...(tag !== undefined ? { tag } : {}), ...(digest !== undefined ? { digest } : {}) }
}

/** The first part is a registry only if it cannot be a user's name on Docker Hub. */
function splitName(name: string): { registry: string; repository: string } {
  const slash = name.indexOf('/')
  const first = name.slice(0, Math.max(0, slash))
  const isRegistry = /[.:[]/.test(first) || first === 'localhost' || first !== first.toLowerCase()
  const registry = isRegistry ? first : 'docker.io'
  const path = isRegistry ? name.slice(slash + 1) : name
  const onHub = registry === 'docker.io' || registry === 'index.docker.io'
  return {
    registry: onHub ? 'docker.io' : registry,
    repository: onHub && !path.includes('/') ? `library/${path}` : path,
  }
}

interface Candidate {
  readonly registry: string
  readonly repository: string
  readonly tag: string | undefined
  readonly digest: string | undefined
}

function findProblem(candidate: Candidate, name: string): string | undefined {
  const { registry, repository, tag, digest } = candidate
  const tagAndDigestFit = (tag === undefined || tagForm.test(tag)) && (digest === undefined || digestForm.test(digest))
  const fits = (path: string) => path.split('/').every((part) => component.test(part))
  if (!tagAndDigestFit || !registryForm.test(registry)) return 'invalid reference format'
  if (name.length > maxNameLength) return `repository name must not be more than ${maxNameLength} characters`
  if (/^[0-9a-f]{64}$/.test(name)) return 'invalid reference format: name is a bare image id'
  if (fits(repository)) return undefined
  return fits(repository.toLowerCase())
    ? 'invalid reference format: repository name must be lowercase'
    : 'invalid reference format'
}
