/** Texts for `Warning` headers about a Service that is accepted all the same. */
import { parseCidr, parseIp, formatCidr, formatIp } from '#lib/ip.ts'
import type { Service } from './service.ts'
import { isHeadless } from './service-rules.ts'

export function serviceWarnings(service: Service): string[] {
  return [
    ...topologyWarnings(service),
    ...typeWarnings(service),
    ...distributionWarnings(service),
    ...addressWarnings(service),
  ]
}

const annotation = 'service.kubernetes.io/topology-mode'
const oldAnnotation = 'service.kubernetes.io/topology-aware-hints'

function topologyWarnings({ metadata: { annotations = {} } }: Service): string[] {
  return oldAnnotation in annotations
    ? [`annotation ${oldAnnotation} is deprecated, please use ${annotation} instead`]
    : []
}

function typeWarnings({ spec }: Service): string[] {
  const hasExternalIps = (spec.externalIPs?.length ?? 0) > 0
  const warnings: string[] = []
  if (isHeadless(spec)) {
    if (spec.loadBalancerIP) warnings.push('spec.loadBalancerIP is ignored for headless services')
    if (hasExternalIps) warnings.push('spec.externalIPs is ignored for headless services')
    if (spec.sessionAffinity === 'ClientIP') warnings.push('spec.SessionAffinity is ignored for headless services')
  } else if (hasExternalIps) {
    warnings.push(
      spec.type === 'ExternalName'
        ? 'spec.externalIPs is ignored when spec.type is "ExternalName"'
        : 'spec.externalIPs is deprecated and may no longer be implemented in some clusters',
    )
  }
  if (spec.type !== 'ExternalName' && spec.externalName) {
    warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"')
  }
  return warnings
}

function distributionWarnings({ spec }: Service): string[] {
  return spec.trafficDistribution === 'PreferClose'
    ? ['spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"']
    : []
}

function addressWarnings({ spec }: Service): string[] {
  const ips: [string, readonly string[]][] = [
    ['spec.clusterIPs', (spec.clusterIPs ?? []).filter((ip) => ip !== 'None')],
    ['spec.externalIPs', spec.externalIPs ?? []],
    ['spec.loadBalancerIP', spec.loadBalancerIP ? [spec.loadBalancerIP] : []],
  ]
  const odd = ips.flatMap(([path, list]) =>
    list.flatMap((ip, index) => oddIp(path === 'spec.loadBalancerIP' ? path : `${path}[${index}]`, ip)),
  )
  return [
    ...odd,
    ...(spec.loadBalancerSourceRanges ?? []).flatMap((cidr, index) =>
      oddCidr(`spec.loadBalancerSourceRanges[${index}]`, cidr),
    ),
  ]
}

function oddIp(path: string, text: string): string[] {
  const address = parseIp(text)
  if (address === undefined || formatIp(address) === text) return []
  return [
    `${path}: IPv6 address ${JSON.stringify(text)} should be in RFC 5952 canonical format (${JSON.stringify(formatIp(address))})`,
  ]
}

function oddCidr(path: string, text: string): string[] {
  const cidr = parseCidr(text.trim())
  if (cidr === undefined || formatCidr(cidr) === text) return []
  return [
    `${path}: CIDR value ${JSON.stringify(text)} should be in canonical format (${JSON.stringify(formatCidr(cidr))})`,
  ]
}
