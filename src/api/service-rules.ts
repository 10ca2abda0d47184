/** What the type of a Service makes it need. */
import type { ServiceSpec } from './service.ts'

export const isHeadless = (spec: ServiceSpec) => spec.clusterIPs?.[0] === 'None' || spec.clusterIP === 'None'

export const needsClusterIp = (spec: ServiceSpec) => spec.type !== 'ExternalName'

/** Types that may have node ports at all. */
export const mayHaveNodePorts = (spec: ServiceSpec) => spec.type === 'NodePort' || spec.type === 'LoadBalancer'

/** Types whose ports without a node port get one. */
export const needsNodePorts = (spec: ServiceSpec) =>
  spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false)

export const needsHealthCheckNodePort = (spec: ServiceSpec) =>
  spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local'

/** Reachable from outside: then `externalTrafficPolicy` means something. */
export const isExternallyAccessible = (spec: ServiceSpec) =>
  mayHaveNodePorts(spec) || (spec.type === 'ClusterIP' && (spec.externalIPs?.length ?? 0) > 0)
