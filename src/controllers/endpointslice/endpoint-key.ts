import type { Endpoint } from '#api/endpoint-slice.ts'

/** Tells endpoints of one Service apart: the same address of a new pod is a new endpoint. */
export function endpointKey(endpoint: Endpoint): string {
  return `${endpoint.addresses[0]} ${endpoint.targetRef?.uid ?? ''}`
}
