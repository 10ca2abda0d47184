import type { Container } from './container.ts'
import type { PodSpec } from './pod-spec.ts'
import type { Volume } from './volume.ts'

/** The defaults of a pod spec that depend on other fields, in pods and in templates alike. */
export function applyPodSpecDefaults(spec: PodSpec): void {
  for (const container of allContainers(spec)) container.imagePullPolicy ??= defaultPullPolicy(container.image ?? '')
  for (const volume of spec.volumes ?? []) if (hasNoSource(volume)) volume.emptyDir = {}
  // The deprecated name of the field is always written too.
  const account = spec.serviceAccountName || spec.serviceAccount
  if (account) {
    spec.serviceAccountName = account
    spec.serviceAccount = account
  }
}

/** The defaults of pods only: a template is left as it was written. */
export function applyPodDefaults(spec: PodSpec): void {
  applyPodSpecDefaults(spec)
  spec.enableServiceLinks ??= true
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) {
    requestWhatIsLimited(container)
    if (spec.hostNetwork) for (const port of container.ports ?? []) port.hostPort ??= port.containerPort
  }
}

type AnyContainer = Pick<Container, 'image' | 'imagePullPolicy'>

function allContainers(spec: PodSpec): AnyContainer[] {
  return [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])]
}

/** `Always` for the tag `latest`, said or implied; a digest or another tag need not be pulled twice. */
function defaultPullPolicy(image: string): 'Always' | 'IfNotPresent' {
  if (image.includes('@')) return 'IfNotPresent'
  const tag = /:([^:/]+)$/.exec(image)?.[1] ?? 'latest'
  return tag === 'latest' ? 'Always' : 'IfNotPresent'
}

function hasNoSource(volume: Volume): boolean {
  return Object.keys(volume).every((key) => key === 'name')
}

function requestWhatIsLimited({ resources }: Container): void {
  if (resources?.limits === undefined) return
  resources.requests = { ...resources.limits, ...resources.requests }
}
