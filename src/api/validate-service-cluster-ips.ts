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
  sameValue,
  unsupportedValue,
} from './findings.ts'
import type { Finding } from './kind.ts'
import type { ServiceSpec } from './service.ts'

const families = ['IPv4', 'IPv6'] as const
const policies = ['PreferDualStack', 'RequireDualStack', 'SingleStack'] as const

export function validateServiceClusterIps(spec: ServiceSpec): Finding[] {
  if (spec.type === 'ExternalName') return validateExternalName(spec)
  return [
    ...validateFamilies(spec),
    ...oneOfValues('spec.ipFamilyPolicy', spec.ipFamilyPolicy, policies),
    ...validatePairing(spec),
    ...validateAddresses(spec),
  ]
}

function validateExternalName(spec: ServiceSpec): Finding[] {
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
  if (ips.includes('None')) {
    const detail = "'None' must be the first and only value"
    return ips.length === 1 ? [] : [invalidValue('spec.clusterIPs', ips, detail)]
  }
  const findings: Finding[] = []
  if (ips.length > 2) findings.push(invalidValue('spec.clusterIPs', ips, 'may only hold up to 2 values'))
  findings.push(...ips.flatMap((ip, index) => validateAddress(ip, index, spec)))
  const [one, two] = ips.map((ip) => parseIp(ip)?.family)
  if (ips.length === 2 && one !== undefined && one === two) {
    findings.push(invalidValue('spec.clusterIPs', ips, 'may specify no more than one IP for each IP family'))
  }
  return findings
}

function validateAddress(ip: string, index: number, spec: ServiceSpec): Finding[] {
  const path = `spec.clusterIPs[${index}]`
  const problems = ipProblems(ip)
  if (problems.length > 0) return invalidFor(path, ip, problems)
  const wanted = spec.ipFamilies?.[index]
  if (wanted === undefined || !families.includes(wanted) || parseIp(ip)?.family === wanted) return []
  return [invalidValue(path, ip, `expected an ${wanted} value as indicated by \`ipFamilies[${index}]\``)]
}

/** An address, once given, stays. Nothing of this applies when the Service has been or becomes an ExternalName. */
export function validateServiceClusterIpsUpdate(spec: ServiceSpec, before: ServiceSpec): Finding[] {
  if (spec.type === 'ExternalName' || before.type === 'ExternalName') return []
  const isHeadless = (ips: readonly string[] | undefined) => ips?.[0] === 'None'
  if (isHeadless(spec.clusterIPs) && isHeadless(before.clusterIPs)) return []
  return [...addressChanges(spec, before), ...familyChanges(spec, before)]
}

function addressChanges(spec: ServiceSpec, before: ServiceSpec): Finding[] {
  const now = spec.clusterIPs ?? []
  const then = before.clusterIPs ?? []
  if (then.length === 0) return []
  if (now.length === 0)
    return [invalidValue('spec.clusterIPs[0]', spec.clusterIPs ?? null, 'primary clusterIP can not be unset')]
  if (now[0] !== then[0]) return [invalidValue('spec.clusterIPs[0]', now, 'may not change once set')]
  if (then.length === 2 && now.length === 2 && now[1] !== then[1]) {
    return [invalidValue('spec.clusterIPs[1]', now, 'may not change once set')]
  }
  if (then.length === 2 && now.length === 1) return releaseNeedsSingleStack(spec, 'clusterIP')
  return []
}

function familyChanges(spec: ServiceSpec, before: ServiceSpec): Finding[] {
  const now = spec.ipFamilies ?? []
  const then = before.ipFamilies ?? []
  if (then.length === 0) return []
  if (now.length === 0)
    return [invalidValue('spec.ipFamilies[0]', spec.ipFamilies ?? null, 'primary ipFamily can not be unset')]
  if (now[0] !== then[0]) return [invalidValue('spec.ipFamilies[0]', now, 'may not change once set')]
  if (then.length === 2 && now.length === 2 && !sameValue(now, then)) {
    return [invalidValue('spec.ipFamilies', now, 'may not change once set')]
  }
  if (then.length === 2 && now.length === 1) return releaseNeedsSingleStack(spec, 'ipFamily')
  return []
}

function releaseNeedsSingleStack(spec: ServiceSpec, what: 'clusterIP' | 'ipFamily'): Finding[] {
  if (spec.ipFamilyPolicy === 'SingleStack') return []
  const detail = `must be set to 'SingleStack' when releasing the secondary ${what}`
  return [invalidValue('spec.ipFamilyPolicy', spec.ipFamilyPolicy ?? null, detail)]
}
