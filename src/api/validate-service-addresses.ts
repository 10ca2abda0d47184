/** `externalIPs` and `loadBalancerSourceRanges`: values that were there before an update stay acceptable. */
import { cidrProblems, ipProblems, specialIpProblems } from './check-ip.ts'
import { forbiddenValue, invalidFor } from './findings.ts'
import type { Finding } from './kind.ts'
import type { ServiceSpec } from './service.ts'

export function validateServiceAddresses(
  spec: ServiceSpec,
  before: ServiceSpec | undefined,
  annotations: Readonly<Record<string, string>> = {},
): Finding[] {
  return [...validateExternalIps(spec, before), ...validateSourceRanges(spec, before, annotations)]
}

function validateExternalIps(spec: ServiceSpec, before: ServiceSpec | undefined): Finding[] {
  const known = new Set(before?.externalIPs ?? [])
  return (spec.externalIPs ?? []).flatMap((ip, index) => {
    if (known.has(ip)) return []
    const problems = ipProblems(ip)
    return invalidFor(`spec.externalIPs[${index}]`, ip, problems.length > 0 ? problems : specialIpProblems(ip))
  })
}

const annotation = 'service.beta.kubernetes.io/load-balancer-source-ranges'
const onlyLoadBalancer = "may only be used when `type` is 'LoadBalancer'"

/** The path has a capital L upstream too. */
function validateSourceRanges(
  spec: ServiceSpec,
  before: ServiceSpec | undefined,
  annotations: Readonly<Record<string, string>>,
): Finding[] {
  const ranges = spec.loadBalancerSourceRanges ?? []
  if (ranges.length > 0) {
    const forbidden = forbiddenValue('spec.LoadBalancerSourceRanges', onlyLoadBalancer)
    const known = new Set(before?.loadBalancerSourceRanges ?? [])
    const bad = ranges.flatMap((range, index) =>
      known.has(range) ? [] : invalidFor(`spec.LoadBalancerSourceRanges[${index}]`, range, cidrProblems(range.trim())),
    )
    return spec.type === 'LoadBalancer' ? bad : [forbidden, ...bad]
  }
  const text = annotations[annotation]?.trim() ?? ''
  if (text === '') return []
  const path = `metadata.annotations[${annotation}]`
  if (spec.type !== 'LoadBalancer') return [forbiddenValue(path, onlyLoadBalancer)]
  return text.split(',').flatMap((range) => invalidFor(path, text, cidrProblems(range.trim())).slice(0, 1))
}
