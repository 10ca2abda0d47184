/** Service validation, all findings at once. Runs before and after addresses and ports are allocated. */
import {
  dns1123LabelProblems,
  dns1123SubdomainProblems,
  portNameProblems,
  portNumberProblems,
  qualifiedNameProblems,
} from './check-name.ts'
import {
  duplicateValue,
  forbiddenValue,
  invalidFor,
  invalidValue,
  oneOfValues,
  requiredValue,
  sameValue,
} from './findings.ts'
import type { Finding, ValidationContext } from './kind.ts'
import type { Service, ServicePort, ServiceSpec } from './service.ts'
import { isExternallyAccessible, isHeadless, needsClusterIp, needsHealthCheckNodePort } from './service-rules.ts'
import { validateExternalIps, validateSourceRanges } from './validate-service-addresses.ts'
import {
  validateNoClusterIps,
  validateServiceClusterIps,
  validateServiceClusterIpsUpdate,
} from './validate-service-cluster-ips.ts'
import { validateServiceStatus } from './validate-service-status.ts'
import { validateLabels, validateObjectMeta } from './validate-object-meta.ts'

export function validateService(service: Service, { before, subresource }: ValidationContext<Service>): Finding[] {
  const rules = { namespaced: true, before: before?.metadata, nameRule: dns1123LabelProblems }
  const metadata = validateObjectMeta(service.metadata, rules)
  if (subresource === 'status') return [...metadata, ...validateServiceStatus(service)]
  return [
    ...metadata,
    ...(before === undefined ? [] : validateUpdate(service.spec, before.spec)),
    ...validateTopologyAnnotations(service),
    ...validateSpec(service.spec, before?.spec, service.metadata.annotations),
  ]
}

const serviceTypes = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'] as const

function validateSpec(
  spec: ServiceSpec,
  before: ServiceSpec | undefined,
  annotations: Readonly<Record<string, string>> | undefined,
): Finding[] {
  return [
    ...validateWhatTypeNeeds(spec),
    ...validatePorts(spec.ports ?? []),
    ...validateLabels('spec.selector', spec.selector),
    ...validateAffinity(spec),
    ...validateServiceClusterIps(spec),
    ...validateExternalIps(spec, before),
    ...(spec.type ? oneOfValues('spec.type', spec.type, serviceTypes) : [requiredValue('spec.type')]),
    ...validateNodePorts(spec),
    ...duplicatePorts(spec.ports ?? []),
    ...validateSourceRanges(spec, before, annotations),
    ...validateLoadBalancerFields(spec),
    ...validateTrafficPolicies(spec),
    ...oneOfValues('spec.trafficDistribution', spec.trafficDistribution, [
      'PreferClose',
      'PreferSameZone',
      'PreferSameNode',
    ]),
  ]
}

function validateWhatTypeNeeds(spec: ServiceSpec): Finding[] {
  if (spec.type === 'ExternalName') return [...validateNoClusterIps(spec), ...validateExternalName(spec.externalName)]
  if (!isHeadless(spec)) return spec.ports?.length ? [] : [requiredValue('spec.ports')]
  if (spec.type !== 'LoadBalancer' && spec.type !== 'NodePort') return []
  return [invalidValue('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${spec.type} services`)]
}

function validateExternalName(externalName = ''): Finding[] {
  const name = externalName.replace(/\.$/, '')
  if (name === '') return [requiredValue('spec.externalName')]
  return invalidFor('spec.externalName', name, dns1123SubdomainProblems(name))
}

function validatePorts(ports: readonly ServicePort[]): Finding[] {
  const names = new Set<string>()
  return ports.flatMap((port, index) => {
    const path = `spec.ports[${index}]`
    const { name = '' } = port
    const findings = [...validatePortName(`${path}.name`, name, ports.length > 1, names), ...validatePort(port, path)]
    names.add(name)
    return findings
  })
}

function validatePortName(path: string, name: string, isNeeded: boolean, others: ReadonlySet<string>): Finding[] {
  if (name === '') return isNeeded ? [requiredValue(path)] : []
  const wrong = invalidFor(path, name, dns1123LabelProblems(name))
  return others.has(name) ? [...wrong, duplicateValue(path, name)] : wrong
}

function validatePort(port: ServicePort, path: string): Finding[] {
  const { protocol, targetPort, appProtocol } = port
  const findings = invalidFor(`${path}.port`, port.port ?? 0, portNumberProblems(port.port ?? 0))
  if (!protocol) findings.push(requiredValue(`${path}.protocol`))
  else findings.push(...oneOfValues(`${path}.protocol`, protocol, ['TCP', 'UDP', 'SCTP']))
  findings.push(...validatePortReference(`${path}.targetPort`, targetPort ?? port.port ?? 0))
  if (appProtocol !== undefined) {
    findings.push(...invalidFor(`${path}.appProtocol`, appProtocol, qualifiedNameProblems(appProtocol)))
  }
  return findings
}

/** A port by number or by the name that a container gives it. */
export function validatePortReference(path: string, port: number | string): Finding[] {
  return invalidFor(path, port, typeof port === 'number' ? portNumberProblems(port) : portNameProblems(port))
}

function duplicatePorts(ports: readonly ServicePort[]): Finding[] {
  const seen = new Set<string>()
  return ports.flatMap(({ protocol = 'TCP', port }, index) => {
    const key = `${protocol}/${port}`
    if (seen.has(key)) return [duplicateValue(`spec.ports[${index}]`, { protocol, port })]
    seen.add(key)
    return []
  })
}

function validateNodePorts({ type, ports = [] }: ServiceSpec): Finding[] {
  const unusable = ports.flatMap(({ nodePort }, index) =>
    nodePort && type === 'ClusterIP'
      ? [forbiddenValue(`spec.ports[${index}].nodePort`, "may not be used when `type` is 'ClusterIP'")]
      : [],
  )
  const seen = new Set<string>()
  const twice = ports.flatMap(({ protocol = 'TCP', nodePort }, index) => {
    if (!nodePort) return []
    const key = `${protocol}/${nodePort}`
    if (seen.has(key)) return [duplicateValue(`spec.ports[${index}].nodePort`, nodePort)]
    seen.add(key)
    return []
  })
  return [...unusable, ...twice]
}

function validateAffinity(spec: ServiceSpec): Finding[] {
  const config = spec.sessionAffinityConfig
  if (!spec.sessionAffinity) return [requiredValue('spec.sessionAffinity')]
  const findings = oneOfValues('spec.sessionAffinity', spec.sessionAffinity, ['ClientIP', 'None'])
  const path = 'spec.sessionAffinityConfig'
  if (spec.sessionAffinity === 'None') {
    const detail = 'must not be set when session affinity is None'
    return config === undefined ? findings : [...findings, forbiddenValue(path, detail)]
  }
  if (spec.sessionAffinity !== 'ClientIP') return findings
  const timeout = config?.clientIP?.timeoutSeconds
  const timeoutPath = `${path}.clientIP.timeoutSeconds`
  if (timeout === undefined) return [...findings, requiredValue(timeoutPath, 'when session affinity type is ClientIP')]
  if (timeout > 0 && timeout <= 86400) return findings
  return [...findings, invalidValue(timeoutPath, timeout, 'must be greater than 0 and less than 86400')]
}

const onlyLoadBalancer = "may only be used when `type` is 'LoadBalancer'"

function validateLoadBalancerFields(spec: ServiceSpec): Finding[] {
  const isLoadBalancer = spec.type === 'LoadBalancer'
  const findings: Finding[] = []
  if (isLoadBalancer && spec.allocateLoadBalancerNodePorts === undefined) {
    findings.push(requiredValue('allocateLoadBalancerNodePorts'))
  } else if (!isLoadBalancer && spec.allocateLoadBalancerNodePorts !== undefined) {
    findings.push(forbiddenValue('spec.allocateLoadBalancerNodePorts', onlyLoadBalancer))
  }
  if (spec.loadBalancerClass === undefined) return findings
  if (!isLoadBalancer) return [...findings, forbiddenValue('spec.loadBalancerClass', onlyLoadBalancer)]
  const problems = qualifiedNameProblems(spec.loadBalancerClass)
  return [...findings, ...invalidFor('spec.loadBalancerClass', spec.loadBalancerClass, problems)]
}

function validateTrafficPolicies(spec: ServiceSpec): Finding[] {
  return [...validateExternalPolicy(spec), ...validateHealthCheckNodePort(spec), ...validateInternalPolicy(spec)]
}

function validateExternalPolicy(spec: ServiceSpec): Finding[] {
  const path = 'spec.externalTrafficPolicy'
  const policy = spec.externalTrafficPolicy
  if (!isExternallyAccessible(spec)) {
    const detail = 'may only be set for externally-accessible services'
    return policy ? [invalidValue(path, policy, detail)] : []
  }
  return policy ? oneOfValues(path, policy, ['Cluster', 'Local']) : [requiredValue(path)]
}

function validateHealthCheckNodePort(spec: ServiceSpec): Finding[] {
  if (needsHealthCheckNodePort(spec) || !spec.healthCheckNodePort) return []
  const detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
  return [invalidValue('spec.healthCheckNodePort', spec.healthCheckNodePort, detail)]
}

function validateInternalPolicy(spec: ServiceSpec): Finding[] {
  const path = 'spec.internalTrafficPolicy'
  if (!needsClusterIp(spec)) return []
  if (spec.internalTrafficPolicy === undefined) return [requiredValue(path)]
  return oneOfValues(path, spec.internalTrafficPolicy, ['Cluster', 'Local'])
}

function validateTopologyAnnotations({ metadata: { annotations = {} } }: Service): Finding[] {
  const mode = annotations['service.kubernetes.io/topology-mode']
  const hints = annotations['service.kubernetes.io/topology-aware-hints']
  if (mode === undefined || hints === undefined || mode === hints) return []
  const path = 'metadata.annotations[service.kubernetes.io/topology-mode]'
  const detail = 'must match annotations[service.kubernetes.io/topology-aware-hints] when both are specified'
  return [invalidValue(path, mode, detail)]
}

function validateUpdate(spec: ServiceSpec, before: ServiceSpec): Finding[] {
  const findings = validateServiceClusterIpsUpdate(spec, before)
  const staysLoadBalancer = spec.type === 'LoadBalancer' && before.type === 'LoadBalancer'
  if (staysLoadBalancer && !sameValue(spec.loadBalancerClass, before.loadBalancerClass)) {
    findings.push(invalidValue('spec.loadBalancerClass', spec.loadBalancerClass ?? null, 'may not change once set'))
  }
  const wasBoth = needsHealthCheckNodePort(spec) && needsHealthCheckNodePort(before)
  if (wasBoth && !sameValue(spec.healthCheckNodePort, before.healthCheckNodePort)) {
    findings.push(forbiddenValue('spec.healthCheckNodePort', 'field is immutable'))
  }
  return findings
}
