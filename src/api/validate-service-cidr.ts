import { parseCidr } from '#lib/ip.ts'
import { canonicalCidrProblems, canonicalIpProblems } from './check-ip.ts'
import { dns1123LabelProblems, dns1123SubdomainProblems, pathSegmentProblems } from './check-name.ts'
import { immutable, invalidFor, invalidValue, requiredValue } from './findings.ts'
import type { IPAddress } from './ip-address.ts'
import type { Finding, ValidationContext } from './kind.ts'
import type { ServiceCIDR } from './service-cidr.ts'
import { validateObjectMeta } from './validate-object-meta.ts'

export function validateServiceCidr(
  object: ServiceCIDR,
  { before, subresource }: ValidationContext<ServiceCIDR>,
): Finding[] {
  const metadata = validateObjectMeta(object.metadata, { namespaced: false, before: before?.metadata })
  if (subresource === 'status') return metadata
  const update = before === undefined ? [] : validateCidrsUpdate(object.spec.cidrs ?? [], before.spec.cidrs ?? [])
  return [...metadata, ...validateCidrs(object.spec.cidrs ?? []), ...update]
}

function validateCidrs(cidrs: readonly string[]): Finding[] {
  const path = 'spec.cidrs'
  if (cidrs.length === 0) return [requiredValue(path, 'at least one CIDR required')]
  const findings = cidrs.length > 2 ? [invalidValue(path, cidrs, 'may only hold up to 2 values')] : []
  findings.push(...cidrs.flatMap((cidr, index) => invalidFor(`${path}[${index}]`, cidr, canonicalCidrProblems(cidr))))
  const [first, second] = cidrs.map((cidr) => parseCidr(cidr)?.base.family)
  if (cidrs.length === 2 && first !== undefined && first === second) {
    const detail = 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64'
    findings.push(invalidValue(path, cidrs, detail))
  }
  return findings
}

/** Nothing but adding the second family. */
function validateCidrsUpdate(now: readonly string[], then: readonly string[]): Finding[] {
  const addsFamily = then.length === 1 && now.length === 2 && now[0] === then[0]
  return addsFamily ? [] : immutable('spec.cidrs', now, then)
}

export function validateIpAddress(object: IPAddress, { before }: ValidationContext<IPAddress>): Finding[] {
  const rules = { namespaced: false, before: before?.metadata, nameRule: canonicalIpProblems }
  return [
    ...validateObjectMeta(object.metadata, rules),
    ...validateParent(object.spec.parentRef),
    ...(before === undefined ? [] : immutable('spec.parentRef', object.spec.parentRef, before.spec.parentRef)),
  ]
}

function validateParent(parent: IPAddress['spec']['parentRef'] | undefined): Finding[] {
  const path = 'spec.parentRef'
  if (parent === undefined) return [requiredValue(path)]
  const { group, resource, namespace, name } = parent
  return [
    ...(group ? invalidFor(`${path}.group`, group, dns1123SubdomainProblems(group)) : []),
    ...(resource
      ? invalidFor(`${path}.resource`, resource, pathSegmentProblems(resource))
      : [requiredValue(`${path}.resource`)]),
    ...(namespace ? invalidFor(`${path}.namespace`, namespace, dns1123LabelProblems(namespace)) : []),
    ...(name ? invalidFor(`${path}.name`, name, pathSegmentProblems(name)) : [requiredValue(`${path}.name`)]),
  ]
}
