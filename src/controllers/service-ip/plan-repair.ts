/** What is wrong between Services and the IPAddress objects that hold their cluster IPs. Pure. */
import type { IPAddress } from '#api/ip-address.ts'
import type { Service } from '#api/service.ts'
import type { ServiceCIDR } from '#api/service-cidr.ts'
import type { Draft } from '#client/contract.ts'
import { formatIp, parseIp } from '#lib/ip.ts'
import { containsIp } from '../service-cidr/desired-cidr.ts'

export const managedByLabel = 'ipaddress.kubernetes.io/managed-by'
export const allocator = 'ipallocator.k8s.io'
const familyLabel = 'ipaddress.kubernetes.io/ip-family'

export interface Repair {
  /** Reason of the event about the Service. */
  readonly reason: 'ClusterIPNotValid' | 'ClusterIPOutOfRange' | 'ClusterIPNotAllocated' | 'ClusterIPAlreadyAllocated'
  readonly message: string
  readonly create?: Draft<IPAddress>
}

export function clusterIps({ spec }: Service): string[] {
  const listed = spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : [])
  return spec.type === 'ExternalName' ? [] : listed.filter((ip) => ip !== '' && ip !== 'None')
}

export function planRepair(
  service: Service,
  ip: string,
  found: { readonly holder: IPAddress | undefined; readonly cidrs: readonly ServiceCIDR[] },
): Repair | undefined {
  const address = parseIp(ip)
  if (!address) {
    return { reason: 'ClusterIPNotValid', message: `Cluster IP ${ip} is not a valid IP; please recreate Service` }
  }
  const subject = `Cluster IP [${address.family}]: ${ip}`
  if (!found.cidrs.some((cidr) => containsIp(cidr, address))) {
    const message = `${subject} is not within any configured Service CIDR; please recreate service`
    return { reason: 'ClusterIPOutOfRange', message }
  }
  if (!found.holder) {
    const create = addressFor(service, formatIp(address), address.family)
    return { reason: 'ClusterIPNotAllocated', message: `${subject} is not allocated; repairing`, create }
  }
  if (isHeldBy(found.holder, service)) return undefined
  const message = `${subject} was assigned to multiple services; please recreate service`
  return { reason: 'ClusterIPAlreadyAllocated', message }
}

function addressFor({ metadata }: Service, ip: string, family: string): Draft<IPAddress> {
  const { namespace = '', name } = metadata
  return {
    metadata: { name: ip, labels: { [familyLabel]: family, [managedByLabel]: allocator } },
    spec: { parentRef: { group: '', resource: 'services', namespace, name } },
  }
}

export function isHeldBy({ spec }: IPAddress, { metadata }: Service): boolean {
  const { group = '', resource, namespace, name } = spec.parentRef
  return group === '' && resource === 'services' && namespace === metadata.namespace && name === metadata.name
}
