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
  /** What should be there; it takes the place of what holds the address wrongly. */
  readonly create?: Draft<IPAddress>
}

/** As IPAddress objects are named; what is no address stays as it is. */
export function clusterIps({ spec }: Service): string[] {
  if (spec.type === 'ExternalName') return []
  const listed = spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : [])
  return listed.filter((ip) => ip !== '' && ip !== 'None').map(canonical)
}

function canonical(ip: string): string {
  const address = parseIp(ip)
  return address ? formatIp(address) : ip
}

export interface RepairFacts {
  readonly holder: IPAddress | undefined
  /** The Service that `holder` names, if there is one. */
  readonly holderService: Service | undefined
  readonly cidrs: readonly ServiceCIDR[]
}

/** @param ip one of `clusterIps` */
export function planRepair(service: Service, ip: string, found: RepairFacts): Repair | undefined {
  const address = parseIp(ip)
  if (!address) {
    return { reason: 'ClusterIPNotValid', message: `Cluster IP ${ip} is not a valid IP; please recreate Service` }
  }
  const subject = `Cluster IP [${address.family}]: ${ip}`
  if (!found.cidrs.some((cidr) => containsIp(cidr, address))) {
    const message = `${subject} is not within any configured Service CIDR; please recreate service`
    return { reason: 'ClusterIPOutOfRange', message }
  }
  const create = addressFor(service, ip, address.family)
  if (!found.holder) {
    return { reason: 'ClusterIPNotAllocated', message: `${subject} is not allocated; repairing`, create }
  }
  if (isHeldBy(found.holder, service)) {
    if (hasOurLabels(found.holder, address.family)) return undefined
    return { reason: 'ClusterIPNotAllocated', message: `${subject} has incorrect labels; repairing`, create }
  }
  if (found.holderService && clusterIps(found.holderService).includes(ip)) {
    const message = `${subject} was assigned to multiple services; please recreate service`
    return { reason: 'ClusterIPAlreadyAllocated', message }
  }
  return { reason: 'ClusterIPNotAllocated', message: `${subject} has a wrong reference; repairing`, create }
}

function hasOurLabels({ metadata: { labels = {} } }: IPAddress, family: string): boolean {
  return labels[managedByLabel] === allocator && labels[familyLabel] === family
}

/** What is wrong with an address that the allocator made, seen from its side. */
export interface AddressRepair {
  readonly reason: 'IPAddressNotAllocated' | 'IPAddressWrongReference'
  readonly message: string
  /** How old the address must be: it is made before its Service is stored. */
  readonly minAgeMs: number
}

const orphanAgeMs = 60_000
const wrongReferenceAgeMs = 5_000

export function planAddressRepair(address: IPAddress, service: Service | undefined): AddressRepair | undefined {
  const { name: ip, labels = {} } = address.metadata
  if (labels[managedByLabel] !== allocator) return undefined
  const { group = '', resource, namespace, name } = address.spec.parentRef
  if (group !== '' || resource !== 'services') {
    const message = `IPAddress ${ip} appears to have been modified, not referencing a Service; cleaning up`
    return { reason: 'IPAddressNotAllocated', message, minAgeMs: 0 }
  }
  const subject = `IPAddress: ${ip} for Service ${namespace}/${name}`
  if (!service) {
    return {
      reason: 'IPAddressNotAllocated',
      message: `${subject} appears to have leaked: cleaning up`,
      minAgeMs: orphanAgeMs,
    }
  }
  if (clusterIps(service).includes(ip)) return undefined
  const message = `${subject} has a wrong reference; cleaning up`
  return { reason: 'IPAddressWrongReference', message, minAgeMs: wrongReferenceAgeMs }
}

function addressFor({ metadata }: Service, ip: string, family: string): Draft<IPAddress> {
  const { namespace = '', name } = metadata
  return {
    metadata: { name: ip, labels: { [familyLabel]: family, [managedByLabel]: allocator } },
    spec: { parentRef: { group: '', resource: 'services', namespace, name } },
  }
}

export function namedService({ spec: { parentRef } }: IPAddress): { namespace: string; name: string } {
  return { namespace: parentRef.namespace ?? '', name: parentRef.name }
}

function isHeldBy({ spec }: IPAddress, { metadata }: Service): boolean {
  const { group = '', resource, namespace, name } = spec.parentRef
  return group === '' && resource === 'services' && namespace === metadata.namespace && name === metadata.name
}
