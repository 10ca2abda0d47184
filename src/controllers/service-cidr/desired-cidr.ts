/** What a ServiceCIDR should say of itself, and when it may go. Pure. */
import type { IPAddress } from '#api/ip-address.ts'
import type { ServiceCIDR } from '#api/service-cidr.ts'
import { cidrContains, parseCidr, parseIp } from '#lib/ip.ts'
import type { IpAddress } from '#lib/ip.ts'
import { rfc3339 } from '../rfc3339.ts'

export const finalizer = 'networking.k8s.io/service-cidr-finalizer'

export type CidrCondition = NonNullable<NonNullable<ServiceCIDR['status']>['conditions']>[number]

const readyMessage = 'Kubernetes Service CIDR is ready'
const terminatingMessage =
  'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR'

export function readyCondition(cidr: ServiceCIDR, isTerminating: boolean, nowMs: number): CidrCondition {
  const status = isTerminating ? 'False' : 'True'
  const before = cidr.status?.conditions?.find(({ type }) => type === 'Ready')
  if (before?.status === status) return before
  const [reason, message] = isTerminating ? ['Terminating', terminatingMessage] : ['', readyMessage]
  return { type: 'Ready', status, reason, message, lastTransitionTime: rfc3339(nowMs) }
}

export function containsIp({ spec }: ServiceCIDR, address: IpAddress): boolean {
  return (spec.cidrs ?? []).some((text) => {
    const cidr = parseCidr(text)
    return cidr !== undefined && cidrContains(cidr, address)
  })
}

export function isReadyCidr({ metadata, status }: ServiceCIDR): boolean {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')
  return !metadata.deletionTimestamp && ready?.status === 'True'
}

/** Whether some address would be in no range any more without this one. */
export function isNeeded(cidr: ServiceCIDR, all: readonly ServiceCIDR[], addresses: readonly IPAddress[]): boolean {
  const others = all.filter((other) => other.metadata.name !== cidr.metadata.name && isReadyCidr(other))
  return addresses.some(({ metadata }) => {
    const address = parseIp(metadata.name)
    return !!address && containsIp(cidr, address) && !others.some((other) => containsIp(other, address))
  })
}
