/** `clusterIP`, `clusterIPs`, `ipFamilies` and `ipFamilyPolicy` belong together. */
import { parseIp } from '#lib/ip.ts'
import { ipProblems } from './check-ip.ts'
import {
  duplicateValue,
  forbiddenValue,
  invalidFor,
  invalidValue,
  oneOfValues,
  requiredValue,
  unsupportedValue,
} from './findings.ts'
import type { Finding } from './kind.ts'
import type { ServiceSpec } from './service.ts'

const families = ['IPv4', 'IPv6'] as const
const policies = ['PreferDualStack', 'RequireDualStack', 'SingleStack'] as const

export function validateServiceClusterIps(spec: ServiceSpec): Finding[] {
  if (spec.type === 'ExternalName') return []
  return [
    ...validatePairing(spec),
    ...validateFamilies(spec),
    ...oneOfValues('spec.ipFamilyPolicy', spec.ipFamilyPolicy, policies),
    ...validateAddresses(spec),
  ]
}

export function validateNoClusterIps(spec: ServiceSpec): Finding[] {
  const detail = 'may not be set for ExternalName services'
  const fields = ['clusterIPs', 'ipFamilies', 'ipFamilyPolicy'] as const
  return fields
    .filter((field) => (spec[field]?.length ?? 0) > 0)
    .map((field) => forbiddenValue(`spec.${field}`, detail))
}

function validateFamilies(spec: ServiceSpec): Finding[] {
  return (spec.ipFamilies ?? []).flatMap((family, index, all) => {
    const path = `spec.ipFamilies[${index}]`
    if (!families.includes(family)) return [unsupportedValue(path, family, families)]
    return all.indexOf(family) < index ? [duplicateValue(path, family)] : []
  })
}

/** The plural's first entry is the singular. */
function validatePairing({ clusterIP = '', clusterIPs = [] }: ServiceSpec): Finding[] {
  const [first] = clusterIPs
  if (clusterIP === '') {
    return first === undefined
      ? []
      : [invalidValue('spec.clusterIPs', clusterIPs, 'must be empty when `clusterIP` is not specified')]
  }
  if (first === undefined) return [requiredValue('spec.clusterIPs')]
  return first === clusterIP ? [] : [invalidValue('spec.clusterIPs', clusterIPs, 'first value must match `clusterIP`')]
}

function validateAddresses(spec: ServiceSpec): Finding[] {
  const ips = spec.clusterIPs ?? []
  if (ips.length === 1 && ips[0] === 'None') return []
  const malformed = ips.flatMap((ip, index) =>
    ip === 'None' && index === 0
      ? [invalidValue('spec.clusterIPs', ips, "'None' must be the first and only value")]
      : invalidFor(`spec.clusterIPs[${index}]`, ip, ipProblems(ip)),
  )
  const tooMany = ips.length > 2 ? [invalidValue('spec.clusterIPs', ips, 'may only hold up to 2 values')] : []
  // Families of what is no address say nothing.
  return malformed.length > 0 ? [...malformed, ...tooMany] : [...tooMany, ...validateIpFamilies(ips, spec.ipFamilies)]
}

function validateIpFamilies(ips: readonly string[], wanted: readonly string[] = []): Finding[] {
  const found = ips.map((ip) => parseIp(ip)?.family)
  const isDual = found.includes('IPv4') && found.includes('IPv6')
  const detail = 'may specify no more than one IP for each IP family'
  const alike = ips.length > 1 && !isDual ? [invalidValue('spec.clusterIPs', ips, detail)] : []
  const others = ips.flatMap((ip, index) => {
    const family = families.find((one) => one === wanted[index])
    if (family === undefined || family === found[index]) return []
    const expected = `expected an ${family} value as indicated by \`ipFamilies[${index}]\``
    return [invalidValue(`spec.clusterIPs[${index}]`, ip, expected)]
  })
  return [...alike, ...others]
}

/** An address, once given, stays. Nothing of this applies when the Service has been or becomes an ExternalName. */
export function validateServiceClusterIpsUpdate(spec: ServiceSpec, before: ServiceSpec): Finding[] {
  if (spec.type === 'ExternalName' || before.type === 'ExternalName') return []
  const isHeadless = (ips: readonly string[] | undefined) => ips?.length === 1 && ips[0] === 'None'
  const [is, was] = [isHeadless(spec.clusterIPs), isHeadless(before.clusterIPs)]
  if (is && was) return []
  return [...addressChanges(spec, before), ...(is || was ? [] : familyChanges(spec, before))]
}

function addressChanges(spec: ServiceSpec, before: ServiceSpec): Finding[] {
  const now = spec.clusterIPs ?? []
  const then = before.clusterIPs ?? []
  if (then.length > 0 && now.length === 0) {
    return [invalidValue('spec.clusterIPs[0]', spec.clusterIPs ?? null, 'primary clusterIP can not be unset')]
  }
  const changed = then.flatMap((ip, index) =>
    now[index] === undefined || now[index] === ip
      ? []
      : [invalidValue(`spec.clusterIPs[${index}]`, now, 'may not change once set')],
  )
  return now.length < then.length ? [...changed, ...releaseNeedsSingleStack(spec, 'clusterIP')] : changed
}

/** All told at the first one, wherever the change is. */
function familyChanges(spec: ServiceSpec, before: ServiceSpec): Finding[] {
  const path = 'spec.ipFamilies[0]'
  const now = spec.ipFamilies ?? []
  const then = before.ipFamilies ?? []
  if (then.length > 0 && now.length === 0) {
    return [invalidValue(path, spec.ipFamilies ?? null, 'primary ipFamily can not be unset')]
  }
  const isChanged = then.some((family, index) => now[index] !== undefined && now[index] !== family)
  const changed = isChanged ? [invalidValue(path, now, 'may not change once set')] : []
  return now.length < then.length ? [...changed, ...releaseNeedsSingleStack(spec, 'ipFamily')] : changed
}

function releaseNeedsSingleStack(spec: ServiceSpec, what: 'clusterIP' | 'ipFamily'): Finding[] {
  if (spec.ipFamilyPolicy === 'SingleStack') return []
  const detail = `must be set to 'SingleStack' when releasing the secondary ${what}`
  return [invalidValue('spec.ipFamilyPolicy', spec.ipFamilyPolicy ?? null, detail)]
}
