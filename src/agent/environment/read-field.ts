/** Pod fields and container resources as the downward API gives them. */
import type { Container } from '#api/container.ts'
import type { Pod } from '#api/pod.ts'
import type { ObjectFieldSelector, ResourceFieldSelector } from '#api/env.ts'

export interface FieldContext {
  readonly pod: Pod
  /** One of each family, the primary first; none before the pod has a network. */
  readonly podIps: readonly string[]
  readonly hostIps: readonly string[]
  /** What the node has: the limit of a container that sets none. */
  readonly allocatable: Readonly<Record<string, string>>
}

/** Throws for a path that Kubernetes does not know. */
export function readField({ fieldPath }: ObjectFieldSelector, { pod, podIps, hostIps }: FieldContext): string {
  const { metadata, spec } = pod
  const entry = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(fieldPath)
  if (entry) return metadata[entry[1] as 'labels' | 'annotations']?.[entry[2]!] ?? ''
  switch (fieldPath) {
    case 'metadata.name':
      return metadata.name
    case 'metadata.namespace':
      return metadata.namespace ?? ''
    case 'metadata.uid':
      return metadata.uid ?? ''
    case 'metadata.labels':
      return formatMap(metadata.labels)
    case 'metadata.annotations':
      return formatMap(metadata.annotations)
    case 'spec.nodeName':
      return spec.nodeName ?? ''
    case 'spec.serviceAccountName':
      return spec.serviceAccountName ?? ''
    case 'status.hostIP':
      return hostIps[0] ?? ''
    case 'status.hostIPs':
      return hostIps.join(',')
    case 'status.podIP':
      return podIps[0] ?? ''
    case 'status.podIPs':
      return podIps.join(',')
    default:
      throw new Error(`unsupported fieldPath: ${fieldPath}`)
  }
}

function formatMap(map: Readonly<Record<string, string>> = {}): string {
  return Object.keys(map)
    .toSorted()
    .map((key) => `${key}=${JSON.stringify(map[key])}`)
    .join('\n')
}

export function readResource(
  { resource, containerName, divisor = '1' }: ResourceFieldSelector,
  container: Pick<Container, 'name' | 'resources'>,
  { pod, allocatable }: FieldContext,
): string {
  const [kind = '', ...rest] = resource.split('.')
  const name = rest.join('.')
  const all = [...(pod.spec.initContainers ?? []), ...pod.spec.containers]
  const target = containerName ? all.find((candidate) => candidate.name === containerName) : container
  if (!target || (kind !== 'limits' && kind !== 'requests'))
    throw new Error(`unsupported container resource: ${resource}`)
  const set = target.resources?.[kind]?.[name]
  const value = parseQuantity(set ?? (kind === 'limits' ? (allocatable[name] ?? '0') : '0'))
  const by = parseQuantity(divisor === '0' || divisor === '' ? '1' : divisor)
  return String(Math.ceil(value / by))
}

const multipliers: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
}

export function parseQuantity(text: string): number {
  const match = /^([+-]?[0-9.]+)(?:([eE][+-]?[0-9]+)|([numkMGTPE]i?)?)$/.exec(text)
  if (!match) throw new Error(`Cannot read a quantity: ${JSON.stringify(text)}`)
  return Number(match[1]! + (match[2] ?? '')) * (multipliers[match[3] ?? ''] ?? 1)
}
