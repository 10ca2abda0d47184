/** Which IP families a Service has, given those of the cluster. Runs before addresses are allocated. */
import { parseIp, type IpFamily } from '#lib/ip.ts'
import { invalidValue } from './findings.ts'
import type { Finding } from './kind.ts'
import type { Service, ServiceSpec } from './service.ts'
import { isHeadless } from './service-rules.ts'
import { validateServiceClusterIps } from './validate-service-cluster-ips.ts'

/**
 * Fills in `ipFamilies` and `ipFamilyPolicy` (changing `service`), or tells why it cannot. `clusterFamilies` has the
 * primary family first. After it, one address per entry of `ipFamilies` is to be allocated.
 */
export function selectIpFamilies(service: Service, clusterFamilies: readonly IpFamily[], before?: Service): Finding[] {
  const { spec } = service
  if (spec.type === 'ExternalName') return []
  if (before !== undefined && keepsPreferDualStack(spec, before.spec)) return []
  const isSelectorless = isHeadless(spec) && spec.selector === undefined
  inherit(spec, before?.spec)
  spec.ipFamilyPolicy ??= isSelectorless ? 'RequireDualStack' : 'SingleStack'
  // What makes no sense by itself is for validation to tell, with all the rest.
  if (validateServiceClusterIps(spec).length > 0) return []

  if (before !== undefined && spec.ipFamilyPolicy === 'SingleStack') releaseSecond(spec, before.spec)
  const findings = [...checkPolicy(spec, before?.spec), ...inferFromAddresses(spec, clusterFamilies)]
  if (findings.length > 0) return findings
  if (isSelectorless) {
    fillSelectorless(spec, clusterFamilies)
    return []
  }
  const unserved = checkFamilies(spec, clusterFamilies)
  if (unserved.length === 0) fillFamilies(spec, clusterFamilies)
  return unserved
}

/** A PreferDualStack Service is never up- or downgraded because the cluster changed. */
function keepsPreferDualStack(spec: ServiceSpec, old: ServiceSpec): boolean {
  return (
    spec.type === old.type &&
    spec.ipFamilyPolicy === 'PreferDualStack' &&
    old.ipFamilyPolicy === 'PreferDualStack' &&
    isSame(spec.clusterIPs, old.clusterIPs) &&
    isSame(spec.ipFamilies, old.ipFamilies)
  )
}

function inherit(spec: ServiceSpec, old: ServiceSpec | undefined): void {
  if (old === undefined || old.type === 'ExternalName') return
  if (spec.ipFamilyPolicy === undefined && old.ipFamilyPolicy !== undefined) spec.ipFamilyPolicy = old.ipFamilyPolicy
  if (spec.ipFamilies === undefined && old.ipFamilies && spec.clusterIP === old.clusterIP) {
    spec.ipFamilies = [...old.ipFamilies]
  }
}

/** SingleStack with untouched lists of two means: release the second. */
function releaseSecond(spec: ServiceSpec, old: ServiceSpec): void {
  if (spec.clusterIPs && isSame(spec.clusterIPs, old.clusterIPs)) spec.clusterIPs = spec.clusterIPs.slice(0, 1)
  if (spec.ipFamilies && isSame(spec.ipFamilies, old.ipFamilies)) spec.ipFamilies = spec.ipFamilies.slice(0, 1)
}

function inferFromAddresses(spec: ServiceSpec, clusterFamilies: readonly IpFamily[]): Finding[] {
  if (isHeadless(spec)) return []
  const findings: Finding[] = []
  for (const [index, ip] of (spec.clusterIPs ?? []).entries()) {
    const family = parseIp(ip)?.family
    if (family === undefined || spec.ipFamilies?.[index] !== undefined) continue
    if (clusterFamilies.includes(family)) spec.ipFamilies = [...(spec.ipFamilies ?? []), family]
    else
      findings.push(
        invalidValue(`spec.clusterIPs[${index}]`, spec.clusterIPs, `${family} is not configured on this cluster`),
      )
  }
  return findings
}

/** Its endpoints are made by the user, of whatever families: nothing of the cluster limits them. */
function fillSelectorless(spec: ServiceSpec, clusterFamilies: readonly IpFamily[]): void {
  spec.ipFamilies ??= clusterFamilies.slice(0, 1)
  if (spec.ipFamilyPolicy !== 'SingleStack') addOther(spec, ['IPv4', 'IPv6'])
}

function checkPolicy(spec: ServiceSpec, old: ServiceSpec | undefined): Finding[] {
  const { clusterIPs = [], ipFamilies = [] } = spec
  const refuseIf = (isWrong: boolean, message: string) =>
    isWrong ? [invalidValue('spec.ipFamilyPolicy', spec.ipFamilyPolicy, message)] : []
  if (spec.ipFamilyPolicy === 'SingleStack') {
    return [
      ...refuseIf(clusterIPs.length > 1, `${needsDual} when multiple cluster IPs are specified`),
      ...refuseIf(ipFamilies.length > 1, `${needsDual} when multiple IP families are specified`),
    ]
  }
  const isReduced = (now: readonly string[], then: readonly string[] = []) => now.length === 1 && then.length === 2
  return [
    ...refuseIf(isReduced(clusterIPs, old?.clusterIPs), `${needsSingle} the secondary cluster IP`),
    ...refuseIf(isReduced(ipFamilies, old?.ipFamilies), `${needsSingle} the secondary IP family`),
  ]
}

const needsSingle = "must be 'SingleStack' to release"
const needsDual = "must be 'RequireDualStack' or 'PreferDualStack'"

function checkFamilies(spec: ServiceSpec, clusterFamilies: readonly IpFamily[]): Finding[] {
  const unknown = (spec.ipFamilies ?? []).flatMap((family, index) =>
    clusterFamilies.includes(family)
      ? []
      : [invalidValue(`spec.ipFamilies[${index}]`, family, 'not configured on this cluster')],
  )
  const impossible = spec.ipFamilyPolicy === 'RequireDualStack' && clusterFamilies.length < 2
  return impossible
    ? [
        ...unknown,
        invalidValue(
          'spec.ipFamilyPolicy',
          'RequireDualStack',
          'this cluster is not configured for dual-stack services',
        ),
      ]
    : unknown
}

function fillFamilies(spec: ServiceSpec, clusterFamilies: readonly IpFamily[]): void {
  if (!spec.ipFamilies?.length) spec.ipFamilies = clusterFamilies.slice(0, 1)
  if (spec.ipFamilyPolicy !== 'SingleStack') addOther(spec, clusterFamilies)
}

function addOther(spec: ServiceSpec, offered: readonly IpFamily[]): void {
  const families = spec.ipFamilies ?? []
  const other = offered.find((family) => !families.includes(family))
  if (families.length < 2 && other !== undefined) spec.ipFamilies = [...families, other]
}

function isSame(a: readonly string[] = [], b: readonly string[] = []): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index])
}
