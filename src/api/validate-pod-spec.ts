/** What pods and pod templates have in common. */
import { ipProblems } from './check-ip.ts'
import { dns1123LabelProblems, dns1123SubdomainProblems, qualifiedNameProblems } from './check-name.ts'
import type { Container } from './container.ts'
import {
  duplicateValue,
  forbiddenValue,
  invalidFor,
  invalidValue,
  nonNegative,
  oneOfValues,
  requiredValue,
} from './findings.ts'
import type { Finding } from './kind.ts'
import type { PodSpec } from './pod-spec.ts'
import { validateContainer, validateInitContainer, type ContainerRules } from './validate-container.ts'
import { validateLabels } from './validate-object-meta.ts'
import { validateTolerations, validateTopologySpread } from './validate-scheduling.ts'
import { validateVolumes } from './validate-volume.ts'

export function validatePodSpec(path: string, spec: PodSpec): Finding[] {
  const volumes = spec.volumes ?? []
  const volumeNames = new Set(volumes.map((volume) => volume.name))
  const rules = { volumeNames, hostNetwork: spec.hostNetwork ?? false }
  return [
    ...validateVolumes(`${path}.volumes`, volumes),
    ...validateContainers(path, spec, rules),
    ...required(`${path}.restartPolicy`, spec.restartPolicy, ['Always', 'Never', 'OnFailure']),
    ...required(`${path}.dnsPolicy`, spec.dnsPolicy, ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None']),
    ...validateDns(path, spec),
    ...validateLabels(`${path}.nodeSelector`, spec.nodeSelector),
    ...validateNames(path, spec),
    ...validateTolerations(`${path}.tolerations`, spec.tolerations ?? []),
    ...validateTopologySpread(`${path}.topologySpreadConstraints`, spec.topologySpreadConstraints ?? []),
    ...validateHostAliases(path, spec),
    ...nonNegative(`${path}.terminationGracePeriodSeconds`, spec.terminationGracePeriodSeconds),
    ...validateDeadline(path, spec.activeDeadlineSeconds),
  ]
}

function required<T extends string>(path: string, value: string | undefined, supported: readonly T[]): Finding[] {
  return value ? oneOfValues(path, value, supported) : [requiredValue(path)]
}

function validateContainers(path: string, spec: PodSpec, rules: ContainerRules): Finding[] {
  const containers = spec.containers ?? []
  const inits = spec.initContainers ?? []
  const findings = containers.length === 0 ? [requiredValue(`${path}.containers`)] : []
  containers.forEach((container, index) => {
    const itemPath = `${path}.containers[${index}]`
    findings.push(...validateContainer(itemPath, container, rules))
    if (isRepeated(containers, index)) findings.push(duplicateValue(`${itemPath}.name`, container.name))
  })
  inits.forEach((container, index) => {
    const itemPath = `${path}.initContainers[${index}]`
    findings.push(...validateContainer(itemPath, container, rules), ...validateInitContainer(itemPath, container))
    const clashes = isRepeated(inits, index) || containers.some((other) => other.name === container.name)
    if (container.name && clashes) findings.push(duplicateValue(`${itemPath}.name`, container.name))
  })
  return [...findings, ...hostPortClashes(path, containers)]
}

function isRepeated(containers: readonly Container[], index: number): boolean {
  const name = containers[index]?.name
  return Boolean(name) && containers.findIndex((container) => container.name === name) < index
}

/** A host port can be taken once for each protocol and host address. */
function hostPortClashes(path: string, containers: readonly Container[]): Finding[] {
  const seen = new Set<string>()
  return containers.flatMap(({ ports = [] }, at) =>
    ports.flatMap(({ hostPort, hostIP = '', protocol = 'TCP' }, index) => {
      if (!hostPort) return []
      const key = `${protocol}/${hostIP}/${hostPort}`
      if (seen.has(key)) return [duplicateValue(`${path}.containers[${at}].ports[${index}].hostPort`, key)]
      seen.add(key)
      return []
    }),
  )
}

const maxNameservers = 3
const maxSearches = 32

function validateDns(path: string, { dnsPolicy, dnsConfig }: PodSpec): Finding[] {
  const { nameservers = [], searches = [] } = dnsConfig ?? {}
  const configPath = `${path}.dnsConfig`
  const findings: Finding[] = []
  if (dnsPolicy === 'None' && dnsConfig === undefined) {
    findings.push(requiredValue(configPath, 'must provide `dnsConfig` when `dnsPolicy` is None'))
  } else if (dnsPolicy === 'None' && nameservers.length === 0) {
    const detail = 'must provide at least one DNS nameserver when `dnsPolicy` is None'
    findings.push(requiredValue(`${configPath}.nameservers`, detail))
  }
  if (nameservers.length > maxNameservers) {
    const detail = `must not have more than ${maxNameservers} nameservers`
    findings.push(invalidValue(`${configPath}.nameservers`, nameservers, detail))
  }
  nameservers.forEach((ip, index) =>
    findings.push(...invalidFor(`${configPath}.nameservers[${index}]`, ip, ipProblems(ip))),
  )
  if (searches.length > maxSearches) {
    const detail = `must not have more than ${maxSearches} search paths`
    findings.push(invalidValue(`${configPath}.searches`, searches, detail))
  }
  return findings
}

function validateNames(path: string, spec: PodSpec): Finding[] {
  const rules = [
    ['nodeName', dns1123SubdomainProblems],
    ['serviceAccountName', dns1123SubdomainProblems],
    ['hostname', dns1123LabelProblems],
    ['subdomain', dns1123LabelProblems],
    ['priorityClassName', dns1123SubdomainProblems],
    ['runtimeClassName', dns1123SubdomainProblems],
    ['schedulerName', qualifiedNameProblems],
  ] as const
  const findings = rules.flatMap(([field, problemsOf]) => {
    const value = spec[field]
    return value ? invalidFor(`${path}.${field}`, value, problemsOf(value)) : []
  })
  for (const [index, gate] of (spec.readinessGates ?? []).entries()) {
    const problems = qualifiedNameProblems(gate.conditionType)
    findings.push(...invalidFor(`${path}.readinessGates[${index}].conditionType`, gate.conditionType, problems))
  }
  if (spec.hostNetwork && spec.hostnameOverride) {
    findings.push(forbiddenValue(`${path}.hostnameOverride`, 'cannot be set when hostNetwork is true'))
  }
  return findings
}

function validateHostAliases(path: string, { hostAliases = [] }: PodSpec): Finding[] {
  return hostAliases.flatMap(({ ip, hostnames = [] }, index) => [
    ...invalidFor(`${path}.hostAliases[${index}].ip`, ip, ipProblems(ip ?? '')),
    ...hostnames.flatMap((name, at) =>
      invalidFor(`${path}.hostAliases[${index}].hostnames[${at}]`, name, dns1123SubdomainProblems(name)),
    ),
  ])
}

function validateDeadline(path: string, seconds: number | undefined): Finding[] {
  if (seconds === undefined || (seconds >= 1 && seconds <= 2147483647)) return []
  return [invalidValue(`${path}.activeDeadlineSeconds`, seconds, 'must be between 1 and 2147483647, inclusive')]
}
