/** Which Services a node answers for on their healthCheckNodePort, and with how many endpoints. */
import type { EndpointSlice } from '#api/endpoint-slice.ts'
import type { Service } from '#api/service.ts'

export interface HealthCheck {
  readonly namespace: string
  readonly name: string
  readonly port: number
  /** Distinct addresses of ready endpoints of this node, over all ports. Draining ones do not count. */
  readonly localEndpoints: number
}

export function desiredHealthCheck(
  { metadata, spec }: Service,
  slices: readonly EndpointSlice[],
  nodeName: string,
): HealthCheck | undefined {
  const port = spec.healthCheckNodePort ?? 0
  if (spec.type !== 'LoadBalancer' || spec.externalTrafficPolicy !== 'Local' || port === 0) return undefined
  const addresses = new Set<string>()
  for (const { endpoints } of slices) {
    for (const { nodeName: node, conditions, addresses: own } of endpoints ?? []) {
      if (node === nodeName && conditions?.ready !== false && own[0] !== undefined) addresses.add(own[0])
    }
  }
  return { namespace: metadata.namespace!, name: metadata.name, port, localEndpoints: addresses.size }
}

export const sameHealthCheck = (a: HealthCheck | undefined, b: HealthCheck | undefined): boolean =>
  a?.port === b?.port && a?.localEndpoints === b?.localEndpoints
