/** Which pod and port a proxied request to a Service goes to. */
import type { EndpointSlice } from '#api/endpoint-slice.ts'
import { StatusError } from '#api/status-error.ts'
import type { Pod } from '#api/pod.ts'
import type { Service } from '#api/service.ts'

export interface PodPort {
  readonly namespace: string
  readonly pod: string
  readonly port: number
}

/**
 * Any ready endpoint that is a pod of the Service's own namespace: slices are written by users too, and must not lead
 * to places that the user could not reach. Throws 503.
 * @param port name or number; empty: the only port, or the one without a name
 * @param random in [0, 1)
 */
export function selectEndpoint(
  service: Service,
  slices: readonly EndpointSlice[],
  port: string,
  random: number,
): PodPort {
  const { name, namespace = '' } = service.metadata
  const servicePort = findPort(service, port)
  if (!servicePort)
    throw unavailable(`no service port ${JSON.stringify(port)} found for service ${JSON.stringify(name)}`)
  const candidates = slices.flatMap((slice) => {
    const number = slice.ports?.find((candidate) => (candidate.name ?? '') === (servicePort.name ?? ''))?.port
    if (number === undefined) return []
    return (slice.endpoints ?? [])
      .filter((endpoint) => endpoint.conditions?.ready !== false)
      .map((endpoint) => endpoint.targetRef)
      .filter((target) => target?.kind === 'Pod' && (target.namespace ?? namespace) === namespace)
      .map((target) => ({ namespace, pod: target?.name ?? '', port: number }))
  })
  const chosen = candidates[Math.floor(random * candidates.length)]
  if (!chosen) throw unavailable(`no endpoints available for service ${JSON.stringify(name)}`)
  return chosen
}

function findPort(service: Service, port: string) {
  const ports = service.spec?.ports ?? []
  if (port === '') return ports.length === 1 ? ports[0] : ports.find(({ name }) => !name)
  return (
    ports.find((candidate) => candidate.name === port) ?? ports.find((candidate) => String(candidate.port) === port)
  )
}

/** The port given, or the first that the pod declares, or that of the scheme. */
export function selectPodPort(pod: Pod, port: string, scheme: 'http' | 'https'): number {
  if (port === '')
    return pod.spec.containers.flatMap(({ ports = [] }) => ports)[0]?.containerPort ?? defaultPorts[scheme]
  if (/^\d+$/.test(port)) return Number(port)
  const named = pod.spec.containers.flatMap(({ ports = [] }) => ports).find(({ name }) => name === port)
  if (!named) throw unavailable(`no port ${JSON.stringify(port)} found for pod ${JSON.stringify(pod.metadata.name)}`)
  return named.containerPort
}

const defaultPorts = { http: 80, https: 443 } as const

export function unavailable(message: string): StatusError {
  return new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason: 'ServiceUnavailable',
    code: 503,
  })
}
