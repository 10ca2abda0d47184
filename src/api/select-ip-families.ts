/** Which IP families a Service has, given those of the cluster. Runs before addresses are allocated. */
import { parseIp, type IpFamily } from '#lib/ip.ts'
import type { Finding } from './kind.ts'
import type { Service, ServiceSpec } from './service.ts'
import { isHeadless } from './service-rules.ts'

/**
 * Fills in `ipFamilies` and `ipFamilyPolicy` (changing `service`), or tells why it cannot. `clusterFamilies` has the
 * primary family first. After it, one address per entry of `ipFamilies` is to be allocated.
 */
export function selectIpFamilies(service: Service, clusterFamilies: readonly IpFamily[], before?: Service): Finding[] {
  const { spec } = service
  if (spec.type === 'ExternalName') return []
  if (before !== undefined && keepsPreferDualStack(spec, before.spec)) return []
  if (before !== undefined && before.spec.type !== 'ExternalName') inheritPolicy(spec, before.spec)

  const inferred = inferFromAddresses(spec, clusterFamilies)
  if (inferred.length > 0) return inferred
  if (isHeadless(spec) && spec.selector === undefined) {
    fillSelectorless(spec, clusterFamilies)
    return []
  }
  const findings = [...checkPolicy(spec, before?.spec), ...checkFamilies(spec, clusterFamilies)]
  if (findings.length === 0) fillFamilies(spec, clusterFamilies)
  return findings
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

/** SingleStack with untouched lists of two means: release the second. */
function inheritPolicy(spec: ServiceSpec, old: ServiceSpec): void {
  if (spec.ipFamilyPolicy === undefined && old.ipFamilyPolicy !== undefined) spec.ipFamilyPolicy = old.ipFamilyPolicy
  if (spec.ipFamilies === undefined && old.ipFamilies && spec.clusterIP === old.clusterIP) {
    spec.ipFamilies = [...old.ipFamilies]
  }
  if (spec.ipFamilyPolicy !== 'SingleStack') return
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
    else findings.push(invalid(`spec.clusterIPs[${index}]`, ip, `${family} is not configured on this cluster`))
  }
  return findings
}

/** Its endpoints are made by the user, of whatever families: nothing of the cluster limits them. */
function fillSelectorless(spec: ServiceSpec, clusterFamilies: readonly IpFamily[]): void {
  spec.ipFamilies ??= clusterFamilies.slice(0, 1)
  spec.ipFamilyPolicy ??= 'RequireDualStack'
  if (spec.ipFamilyPolicy !== 'SingleStack') addOther(spec, ['IPv4', 'IPv6'])
}

function checkPolicy(spec: ServiceSpec, old: ServiceSpec | undefined): Finding[] {
  const policy = spec.ipFamilyPolicy ?? 'SingleStack'
  const refuse = (message: string) => [invalid('spec.ipFamilyPolicy', policy, message)]
  if (policy === 'SingleStack') {
    if ((spec.clusterIPs?.length ?? 0) > 1) return refuse(`${needsDual} when multiple cluster IPs are specified`)
    if ((spec.ipFamilies?.length ?? 0) > 1) return refuse(`${needsDual} when multiple IP families are specified`)
    return []
  }
  if (old === undefined || old.type === 'ExternalName') return []
  const isReduced = (now: readonly string[] = [], then: readonly string[] = []) => now.length === 1 && then.length === 2
  if (isReduced(spec.clusterIPs, old.clusterIPs))
    return refuse("must be 'SingleStack' to release the secondary cluster IP")
  if (isReduced(spec.ipFamilies, old.ipFamilies))
    return refuse("must be 'SingleStack' to release the secondary IP family")
  return []
}

const needsDual = "must be 'RequireDualStack' or 'PreferDualStack'"

function checkFamilies(spec: ServiceSpec, clusterFamilies: readonly IpFamily[]): Finding[] {
  const unknown = (spec.ipFamilies ?? []).flatMap((family, index) =>
    clusterFamilies.includes(family)
      ? []
      : [invalid(`spec.ipFamilies[${index}]`, family, 'not configured on this cluster')],
  )
  const impossible = spec.ipFamilyPolicy === 'RequireDualStack' && clusterFamilies.length < 2
  return impossible
    ? [
        ...unknown,
        invalid('spec.ipFamilyPolicy', 'RequireDualStack', 'this cluster is not configured for dual-stack services'),
      ]
    : unknown
}

function fillFamilies(spec: ServiceSpec, clusterFamilies: readonly IpFamily[]): void {
  spec.ipFamilyPolicy ??= 'SingleStack'
  if (!spec.ipFamilies?.length) spec.ipFamilies = clusterFamilies.slice(0, 1)
  if (spec.ipFamilyPolicy !== 'SingleStack') addOther(spec, clusterFamilies)
}

function addOther(spec: ServiceSpec, offered: readonly IpFamily[]): void {
  const families = spec.ipFamilies ?? []
  const other = offered.find((family) => !families.includes(family))
  if (families.length < 2 && other !== undefined) spec.ipFamilies = [...families, other]
}

function invalid(field: string, value: string, message: string): Finding {
  return { field, reason: 'FieldValueInvalid', message: `Invalid value: ${JSON.stringify(value)}: ${message}` }
}

function isSame(a: readonly string[] = [], b: readonly string[] = []): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index])
}
