/** Cluster IPs: an IPAddress object named after the address is the lock, so several servers on one store agree. */
import type { Finding, Kind } from '#api/kind.ts'
import { IPAddress } from '#api/ip-address.ts'
import type { Service } from '#api/service.ts'
import { isAlreadyExists } from '#api/status-error.ts'
import type { UserInfo } from '#api/wire.ts'
import { formatCidr, formatIp, parseIp, type IpFamily } from '#lib/ip.ts'
import { internalError, invalid } from '../api-errors.ts'
import { createObject } from '../write/create-object.ts'
import type { WriteDeps } from '../write/write.ts'
import { type AllocatorMetrics, createAllocatorMetrics } from './allocator-metrics.ts'
import { addressBand, bandAddress, candidates } from './address-bands.ts'
import { defaultFamilies, isUsable, networkAddress, readyRanges } from './ready-ranges.ts'

export const managedBy = 'ipallocator.k8s.io'
const allocatorUser: UserInfo = { name: 'system:apiserver', groups: ['system:masters'] }
const addressKind = IPAddress as unknown as Kind

export interface ClusterAddresses {
  /** Families of the default range, primary first; none before there is one. */
  families(): readonly IpFamily[]
  /** Takes this address for the Service; throws 422 when it cannot be had. A dry run only asks whether it could. */
  take(address: string, service: Service, dryRun: boolean): Promise<void>
  /** Takes a free address; throws 500 when none is left. */
  takeAny(family: IpFamily, service: Service): Promise<string>
  /** Gives the address back if it is this Service's. */
  giveBack(address: string, service: Service): Promise<void>
  /** What a dry run shows for an address that would be chosen. */
  placeholder(family: IpFamily, service: Service): string
}

export interface AddressOptions {
  readonly random?: () => number
  readonly metrics?: AllocatorMetrics
}

export function createClusterAddresses(deps: () => WriteDeps, options: AddressOptions = {}): ClusterAddresses {
  const { random = Math.random, metrics = createAllocatorMetrics(undefined) } = options
  let families: readonly IpFamily[] = []
  const holderOf = (address: string) =>
    deps().objects.get(addressKind, undefined, address) as unknown as IPAddress | undefined
  const rangesFor = (family: IpFamily, service: Service) => {
    const ranges = readyRanges(deps().objects, family)
    if (ranges.length === 0) throw cannotAllocate(service, 'allocator not ready')
    return ranges
  }
  return {
    // The default range may be away for a moment, until its keeper has put it back.
    families: () => (families = defaultFamilies(deps().objects) ?? families),
    take: async (text, service, dryRun) => {
      const address = parseIp(text)
      const ranges = address ? readyRanges(deps().objects, address.family) : []
      const home = address && ranges.find((range) => isUsable(range, address))
      if (!address || !home) {
        const valid = ranges.map(formatCidr).join(', ')
        const where = valid === '' ? '' : `. The range of valid IPs is ${valid}`
        throw refused(service, text, `the provided IP (${text}) is not in the valid range${where}`)
      }
      const free = dryRun ? holderOf(formatIp(address)) === undefined : await lock(deps(), formatIp(address), service)
      if (!dryRun) metrics.address(home, 'static', free)
      if (!free) throw refused(service, text, 'provided IP is already allocated')
    },
    takeAny: async (family, service) => {
      for (const range of rangesFor(family, service)) {
        const isTaken = (value: bigint) => holderOf(bandAddress(family, value)) !== undefined
        for (const value of candidates(addressBand(range), random, isTaken)) {
          const address = bandAddress(family, value)
          if (!(await lock(deps(), address, service))) continue
          metrics.address(range, 'dynamic', true)
          return address
        }
        metrics.address(range, 'dynamic', false)
      }
      throw cannotAllocate(service, 'range is full')
    },
    giveBack: async (text, service) => {
      const address = parseIp(text)
      const held = address && holderOf(formatIp(address))
      const parent = held?.spec?.parentRef
      if (!held || parent?.namespace !== service.metadata.namespace || parent?.name !== service.metadata.name) return
      await deps().objects.remove(addressKind, held)
    },
    placeholder: (family, service) => formatIp(networkAddress(rangesFor(family, service)[0]!)),
  }
}

/** @returns false when somebody else has the address */
async function lock(deps: WriteDeps, address: string, service: Service): Promise<boolean> {
  const object = renderIpAddress(address, service)
  const request = { kind: addressKind, namespace: undefined, object, user: allocatorUser, dryRun: false }
  try {
    await createObject(deps, { ...request, warn: () => {} })
    return true
  } catch (error) {
    if (isAlreadyExists(error)) return false
    throw error
  }
}

function renderIpAddress(address: string, { metadata: { namespace = '', name } }: Service): IPAddress {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IPAddress',
    metadata: {
      name: address,
      labels: {
        'ipaddress.kubernetes.io/ip-family': address.includes(':') ? 'IPv6' : 'IPv4',
        'ipaddress.kubernetes.io/managed-by': managedBy,
      },
    },
    spec: { parentRef: { resource: 'services', namespace, name } },
  }
}

export function cannotAllocate({ metadata }: Service, why: string): Error {
  return internalError(`failed to allocate a serviceIP for Service "${metadata.name}": ${why}`)
}

function refused({ metadata }: Service, address: string, why: string): Error {
  const finding: Finding = {
    field: 'spec.clusterIPs',
    reason: 'FieldValueInvalid',
    message: `Invalid value: ${JSON.stringify([address])}: failed to allocate IP ${address}: ${why}`,
  }
  return invalid({ group: '', kind: 'Service' }, metadata.name, [finding])
}
