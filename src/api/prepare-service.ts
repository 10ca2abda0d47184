/** What the registry does to a Service before it is stored: keeps allocated values, clears what the type forbids. */
import type { Service, ServiceSpec } from './service.ts'
import {
  isExternallyAccessible,
  mayHaveNodePorts,
  needsClusterIp,
  needsHealthCheckNodePort,
  needsNodePorts,
} from './service-rules.ts'

/** Changes `service`; `before` is the stored object of an update. */
export function prepareService(service: Service, before?: Service): void {
  if (before === undefined) {
    service.status = { loadBalancer: {} }
    if (service.spec.clusterIP && !service.spec.clusterIPs?.length) service.spec.clusterIPs = [service.spec.clusterIP]
    return
  }
  patchAllocatedValues(service.spec, before.spec)
  normalizeClusterIps(service.spec, before.spec)
  dropTypeDependentFields(service, before)
}

/** Values that the cluster chose and the client left out stay as they are. */
export function patchAllocatedValues(spec: ServiceSpec, before: ServiceSpec): void {
  if (needsClusterIp(before) && needsClusterIp(spec)) {
    if (!spec.clusterIP && before.clusterIP) spec.clusterIP = before.clusterIP
    if (!spec.clusterIPs?.length && spec.clusterIP === before.clusterIP && before.clusterIPs) {
      spec.clusterIPs = [...before.clusterIPs]
    }
  }
  if (needsNodePorts(before) && needsNodePorts(spec)) patchNodePorts(spec, before)
  if (needsHealthCheckNodePort(before) && needsHealthCheckNodePort(spec) && before.healthCheckNodePort) {
    spec.healthCheckNodePort ||= before.healthCheckNodePort
  }
}

/** By name, unless another port of the request now uses the number. */
function patchNodePorts(spec: ServiceSpec, before: ServiceSpec): void {
  const requested = nodePortsOf(spec)
  const byName = new Map((before.ports ?? []).map((port) => [port.name ?? '', port.nodePort ?? 0]))
  for (const port of spec.ports ?? []) {
    const old = byName.get(port.name ?? '') ?? 0
    if (!port.nodePort && old !== 0 && !requested.has(old)) port.nodePort = old
  }
}

/** `clusterIP` and `clusterIPs[0]` say the same; a client may have changed only the singular. */
export function normalizeClusterIps(spec: ServiceSpec, before: ServiceSpec): void {
  if (!sameList(spec.clusterIPs, before.clusterIPs)) return
  if (!spec.clusterIP && before.clusterIP) delete spec.clusterIPs
  else if (spec.clusterIP && spec.clusterIP !== before.clusterIP) spec.clusterIPs = [spec.clusterIP]
}

/** Each field is cleared only when the client left it as it was: what a client says is never silently dropped. */
export function dropTypeDependentFields(service: Service, before: Service): void {
  const { spec } = service
  const old = before.spec
  if (needsClusterIp(old) && !needsClusterIp(spec)) dropClusterIps(spec, old)
  if (mayHaveNodePorts(old) && !mayHaveNodePorts(spec)) dropNodePorts(spec, old)
  if (needsHealthCheckNodePort(old) && !needsHealthCheckNodePort(spec)) {
    dropUnchanged(spec, old, 'healthCheckNodePort')
  }
  if (old.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') {
    dropUnchanged(spec, old, 'allocateLoadBalancerNodePorts')
    dropUnchanged(spec, old, 'loadBalancerClass')
    service.status = { ...service.status, loadBalancer: {} }
  }
  if (isExternallyAccessible(old) && !isExternallyAccessible(spec)) dropUnchanged(spec, old, 'externalTrafficPolicy')
}

function dropClusterIps(spec: ServiceSpec, old: ServiceSpec): void {
  if (spec.clusterIP === old.clusterIP && sameList(spec.clusterIPs, old.clusterIPs)) {
    delete spec.clusterIP
    delete spec.clusterIPs
  }
  if (spec.ipFamilyPolicy === old.ipFamilyPolicy) delete spec.ipFamilyPolicy
  if (sameList(spec.ipFamilies, old.ipFamilies)) delete spec.ipFamilies
}

function dropNodePorts(spec: ServiceSpec, old: ServiceSpec): void {
  const known = nodePortsOf(old)
  if (![...nodePortsOf(spec)].every((port) => known.has(port))) return
  for (const port of spec.ports ?? []) delete port.nodePort
}

function dropUnchanged(spec: ServiceSpec, old: ServiceSpec, field: keyof ServiceSpec): void {
  if (spec[field] === old[field]) delete spec[field]
}

function nodePortsOf(spec: ServiceSpec): Set<number> {
  return new Set((spec.ports ?? []).flatMap((port) => (port.nodePort ? [port.nodePort] : [])))
}

function sameList(a: readonly string[] = [], b: readonly string[] = []): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index])
}
