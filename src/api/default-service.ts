import type { Service, ServiceSpec } from './service.ts'
import { isExternallyAccessible, needsClusterIp } from './service-rules.ts'

/** What a Service means where it says nothing. Addresses, node ports and IP families are allocated later. */
export function applyServiceDefaults(service: Service): void {
  const { spec } = service
  // An empty selector selects nothing rather than every pod.
  if (spec.selector && Object.keys(spec.selector).length === 0) delete spec.selector
  omitZeros(spec)
  for (const port of spec.ports ?? []) if (!port.targetPort) port.targetPort = port.port
  defaultAffinity(spec)
  if (isExternallyAccessible(spec)) spec.externalTrafficPolicy ||= 'Cluster'
  if (needsClusterIp(spec)) spec.internalTrafficPolicy ??= 'Cluster'
  else delete spec.internalTrafficPolicy
  if (spec.type !== 'LoadBalancer') return
  spec.allocateLoadBalancerNodePorts ??= true
  for (const ingress of service.status?.loadBalancer?.ingress ?? []) if (ingress.ip) ingress.ipMode ??= 'VIP'
}

/** Zero and absent mean the same in these fields, and absent is what Kubernetes shows. */
function omitZeros(spec: ServiceSpec): void {
  for (const port of spec.ports ?? []) if (port.nodePort === 0) delete port.nodePort
  const plain = [
    'clusterIP',
    'externalName',
    'loadBalancerIP',
    'healthCheckNodePort',
    'publishNotReadyAddresses',
  ] as const
  for (const field of plain) if (!spec[field]) delete spec[field]
  const lists = ['clusterIPs', 'externalIPs', 'ipFamilies', 'loadBalancerSourceRanges'] as const
  for (const field of lists) if (spec[field]?.length === 0) delete spec[field]
}

const affinityTimeoutSeconds = 10800

function defaultAffinity(spec: ServiceSpec): void {
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig
  if (spec.sessionAffinity !== 'ClientIP') return
  spec.sessionAffinityConfig ??= {}
  spec.sessionAffinityConfig.clientIP ??= {}
  spec.sessionAffinityConfig.clientIP.timeoutSeconds ??= affinityTimeoutSeconds
}
