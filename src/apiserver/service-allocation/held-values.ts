/** What a Service holds of the cluster's pools. Pure. */
import type { ServiceSpec } from '#api/service.ts'
import { isHeadless, mayHaveNodePorts, needsClusterIp } from '#api/service-rules.ts'

export function addressesOf(spec: ServiceSpec): string[] {
  if (!needsClusterIp(spec) || isHeadless(spec)) return []
  // Objects from before the plural have the singular only.
  const addresses = spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : [])
  return addresses.filter((address) => address !== '')
}

/** Each number once: protocols may share it. */
export function portsOf(spec: ServiceSpec): number[] {
  if (!mayHaveNodePorts(spec)) return []
  const nodePorts = (spec.ports ?? []).flatMap(({ nodePort }) => nodePort || [])
  return [...new Set(spec.healthCheckNodePort ? [...nodePorts, spec.healthCheckNodePort] : nodePorts)]
}
