import { parseIp } from '#lib/ip.ts'
import { ipProblems } from './check-ip.ts'
import { dns1123SubdomainProblems } from './check-name.ts'
import { forbiddenValue, invalidFor, invalidValue, oneOfValues, requiredValue } from './findings.ts'
import type { Finding } from './kind.ts'
import type { LoadBalancerIngress, Service } from './service.ts'

export function validateServiceStatus({ spec, status }: Service): Finding[] {
  const ingress = status?.loadBalancer?.ingress ?? []
  const path = 'status.loadBalancer.ingress'
  if (spec.type !== 'LoadBalancer') {
    return ingress.length === 0 ? [] : [forbiddenValue(path, "may only be used when `spec.type` is 'LoadBalancer'")]
  }
  return ingress.flatMap((point, index) => validateIngress(point, `${path}[${index}]`))
}

function validateIngress({ ip = '', ipMode, hostname = '' }: LoadBalancerIngress, path: string): Finding[] {
  const findings: Finding[] = []
  if (ip !== '') {
    findings.push(...invalidFor(`${path}.ip`, ip, ipProblems(ip)))
    if (ipMode === undefined) findings.push(requiredValue(`${path}.ipMode`, 'must be specified when `ip` is set'))
  } else if (ipMode !== undefined) {
    findings.push(forbiddenValue(`${path}.ipMode`, 'may not be specified when `ip` is not set'))
  }
  findings.push(...oneOfValues(`${path}.ipMode`, ipMode, ['VIP', 'Proxy']))
  if (hostname === '') return findings
  findings.push(...invalidFor(`${path}.hostname`, hostname, dns1123SubdomainProblems(hostname)))
  if (parseIp(hostname))
    findings.push(invalidValue(`${path}.hostname`, hostname, 'must be a DNS name, not an IP address'))
  return findings
}
