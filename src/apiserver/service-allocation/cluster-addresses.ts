/** Cluster IPs: an IPAddress object named after the address is the lock, so several servers on one store agree. */
import type { Finding } from '#api/kind.ts'
import { IPAddress } from '#api/ip-address.ts'
import type { Service } from '#api/service.ts'
import { ServiceCIDR } from '#api/service-cidr.ts'
import { isAlreadyExists } from '#api/status-error.ts'
import type { UserInfo } from '#api/wire.ts'
import { cidrContains, formatIp, ipToBigInt, parseCidr, parseIp, type Cidr, type IpFamily } from '#lib/ip.ts'
import { internalError, invalid } from '../api-errors.ts'
import { createObject } from '../write/create-object.ts'
import type { WriteDeps } from '../write/write.ts'
import { addressBand, bandAddress, candidates } from './address-bands.ts'

export const managedBy = 'ipallocator.k8s.io'
const allocatorUser: UserInfo = { name: 'system:apiserver', groups: ['system:masters'] }
const maxRaces = 64

export interface ClusterAddresses {
  /** Families of the default range, primary first. */
  families(): readonly IpFamily[]
  /** Takes this address for the Service; throws 422 when it cannot be had. */
  take(address: string, service: Service, field: string): Promise<void>
  /** Takes a free address; throws 500 when none is left. */
  takeAny(family: IpFamily, service: Service): Promise<string>
  /** Gives the address back if it is this Service's. */
  giveBack(address: string, service: Service): Promise<void>
  /** What a dry run shows. */
  placeholder(family: IpFamily): string
}

export function createClusterAddresses(deps: () => WriteDeps, random: () => number = Math.random): ClusterAddresses {
  /** Usable ranges. Readiness is the controller's word; a new range works before it has been said. */
  const ranges = (family: IpFamily): Cidr[] =>
    deps()
      .objects.list(ServiceCIDR as never)
      .map(({ object }) => object as unknown as ServiceCIDR)
      .filter(({ metadata, status }) => metadata.deletionTimestamp === undefined && !isRefused(status))
      .flatMap(({ spec }) => spec.cidrs ?? [])
      .flatMap((text) => parseCidr(text) ?? [])
      .filter(({ base }) => base.family === family)

  const lock = async (address: string, service: Service): Promise<boolean> => {
    try {
      const kind = IPAddress as never
      const object = renderIpAddress(address, service) as never
      await createObject(deps(), {
        kind,
        namespace: undefined,
        object,
        user: allocatorUser,
        dryRun: false,
        warn: () => {},
      })
      return true
    } catch (error) {
      if (isAlreadyExists(error)) return false
      throw error
    }
  }

  return {
    families: () => {
      const main = deps().objects.get(ServiceCIDR as never, undefined, 'kubernetes') as unknown as
        | ServiceCIDR
        | undefined
      return (main?.spec.cidrs ?? []).flatMap((text) => parseCidr(text)?.base.family ?? [])
    },
    take: async (text, service, field) => {
      const address = parseIp(text)
      const inRange = address !== undefined && ranges(address.family).filter((range) => cidrContains(range, address))
      if (!address || !inRange || inRange.length === 0) throw outOfRange(service, text, field, ranges('IPv4'))
      if (!(await lock(formatIp(address), service))) {
        throw refused(service, text, field, `failed to allocate IP ${text}: provided IP is already allocated`)
      }
    },
    takeAny: async (family, service) => {
      let races = 0
      for (const range of ranges(family)) {
        const isTaken = (value: bigint): boolean =>
          deps().objects.get(IPAddress as never, undefined, bandAddress(family, value)) !== undefined
        for (const value of candidates(addressBand(range), random, isTaken)) {
          const address = bandAddress(family, value)
          if (await lock(address, service)) return address
          if (++races > maxRaces) break
        }
      }
      throw internalError(`failed to allocate a serviceIP for Service "${service.metadata.name}": range is full`)
    },
    giveBack: async (address, service) => {
      const { objects } = deps()
      const held = objects.get(IPAddress as never, undefined, address) as unknown as IPAddress | undefined
      const parent = held?.spec?.parentRef
      if (!held || parent?.namespace !== service.metadata.namespace || parent?.name !== service.metadata.name) return
      await objects.remove(IPAddress as never, held as never)
    },
    placeholder: (family) => {
      const [range] = ranges(family)
      return range ? bandAddress(family, ipToBigInt(range.base)) : ''
    },
  }
}

function isRefused(status: ServiceCIDR['status']): boolean {
  return (status?.conditions ?? []).some(({ type, status: value }) => type === 'Ready' && value === 'False')
}

function renderIpAddress(address: string, { metadata }: Service): object {
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
    spec: { parentRef: { resource: 'services', namespace: metadata.namespace, name: metadata.name } },
  }
}

function outOfRange(service: Service, address: string, field: string, ranges: readonly Cidr[]): Error {
  const [range] = ranges
  const valid = range ? `. The range of valid IPs is ${formatIp(range.base)}/${range.prefixLength}` : ''
  return refused(
    service,
    address,
    field,
    `failed to allocate IP ${address}: the provided IP (${address}) is not in the valid range${valid}`,
  )
}

function refused(service: Service, value: string, field: string, detail: string): Error {
  const finding: Finding = {
    field,
    reason: 'FieldValueInvalid',
    message: `Invalid value: ${JSON.stringify([value])}: ${detail}`,
  }
  return invalid({ group: '', kind: 'Service' }, service.metadata.name, [finding])
}
