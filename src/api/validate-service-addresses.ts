/** `externalIPs` and `loadBalancerSourceRanges`: values that were there before an update stay acceptable. */
import { cidrProblems, ipProblems, specialIpProblems } from './check-ip.ts'
import { forbiddenValue, invalidFor } from './findings.ts'
import type { Finding } from './kind.ts'
import type { ServiceSpec } from './service.ts'

export function validateExternalIps(spec: ServiceSpec, before: ServiceSpec | undefined): Finding[] {
  const known = new Set(before?.externalIPs ?? [])
  return (spec.externalIPs ?? []).flatMap((ip, index) => {
    if (known.has(ip)) return []
    const problems = ipProblems(ip)
    return invalidFor(`spec.externalIPs[${index}]`, ip, problems.length > 0 ? problems : specialIpProblems(ip))
  })
}

const annotation = 'service.beta.kubernetes.io/load-balancer-source-ranges'
const onlyLoadBalancer = "may only be used when `type` is 'LoadBalancer'"

/** The path has a capital L upstream too. Spaces around a range do not count. */
export function validateSourceRanges(
  spec: ServiceSpec,
  before: ServiceSpec | undefined,
  annotations: Readonly<Record<string, string>> = {},
): Finding[] {
  const ranges = spec.loadBalancerSourceRanges ?? []
  if (ranges.length > 0) {
    const path = 'spec.LoadBalancerSourceRanges'
    const known = new Set(before?.loadBalancerSourceRanges ?? [])
    const bad = ranges.flatMap((range, index) => (known.has(range) ? [] : validateRange(`${path}[${index}]`, range)))
    return [...forbiddenFor(spec, path), ...bad]
  }
  const text = annotations[annotation]
  if (text === undefined) return []
  const path = `metadata.annotations[${annotation}]`
  const bad = text.trim() === '' ? [] : text.split(',').flatMap((range) => validateRange(path, range))
  return [...forbiddenFor(spec, path), ...bad]
}

const forbiddenFor = ({ type }: ServiceSpec, path: string): Finding[] =>
  type === 'LoadBalancer' ? [] : [forbiddenValue(path, onlyLoadBalancer)]

const validateRange = (path: string, text: string): Finding[] =>
  invalidFor(path, text.trim(), cidrProblems(text.trim()))
