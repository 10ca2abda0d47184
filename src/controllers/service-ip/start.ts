/** Starts the repair of cluster IPs. Allocation itself is the API server's; this only mends what came apart. */
import { IPAddress } from '#api/ip-address.ts'
import { Service } from '#api/service.ts'
import { ServiceCIDR } from '#api/service-cidr.ts'
import { isAlreadyExists, isNotFound } from '#api/status-error.ts'
import type { WorkQueue } from '#client/contract.ts'
import type { Controller, ControllerDeps } from '../contract.ts'
import { keyOf, parseKey, refOf } from '../object-key.ts'
import { openResource } from '../owned-resource.ts'
import { startQueue } from '../start-queue.ts'
import { allocator, clusterIps, isHeldBy, managedByLabel, planRepair } from './plan-repair.ts'

/** An address is created before its Service: it may be alone for a while. */
const orphanAgeMs = 60_000

export function startServiceIpRepair(deps: ControllerDeps, signal: AbortSignal): Controller {
  const name = 'service-ip'
  const { client, clock, recordEvent } = deps
  const services = deps.informers.of(Service)
  const cidrs = deps.informers.of(ServiceCIDR)
  const addresses = openResource(deps, IPAddress, signal)

  const reconcile = async (key: string) => {
    if (key.includes('/')) await repairService(key)
    else await repairAddress(key)
  }
  const repairService = async (key: string) => {
    const service = services.get(parseKey(key))
    if (!service || service.metadata.deletionTimestamp) return
    for (const ip of clusterIps(service)) {
      const holder = addresses.cache.get({ name: ip }) ?? (await findLive(ip))
      const repair = planRepair(service, ip, { holder, cidrs: cidrs.list() })
      if (!repair || !(await stillUses(service, ip))) continue
      recordEvent(service, 'Warning', repair.reason, repair.message)
      if (repair.create) await ignoreRace(addresses.create(repair.create))
    }
  }
  /** Addresses are released after their Service is gone: asked last, the Service says whether this is only a farewell. */
  const stillUses = async (service: Service, ip: string) => {
    try {
      const live = await client.of(Service).get(refOf(service))
      return live.metadata.uid === service.metadata.uid && clusterIps(live).includes(ip)
    } catch (error) {
      if (isNotFound(error)) return false
      throw error
    }
  }
  /** The caches of Services and addresses run side by side, so absence in one may only be lag. */
  const findLive = async (ip: string) => {
    try {
      return await client.of(IPAddress).get({ name: ip })
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }
  const repairAddress = async (ip: string) => {
    const address = addresses.cache.get({ name: ip })
    if (!address || address.metadata.labels?.[managedByLabel] !== allocator) return
    const { namespace = '', name: parent } = address.spec.parentRef
    const service = services.get({ namespace, name: parent })
    if (service && clusterIps(service).includes(ip) && isHeldBy(address, service)) return
    const waitMs = Date.parse(address.metadata.creationTimestamp ?? '') + orphanAgeMs - clock.nowMs()
    if (waitMs > 0) return queue.addAfter(ip, waitMs)
    const message = `IPAddress: ${ip} for Service ${namespace}/${parent} is not allocated; deleting`
    recordEvent(address, 'Warning', 'IPAddressNotAllocated', message)
    await ignoreRace(addresses.delete(address))
  }

  const caches = [services, cidrs, addresses.cache]
  const queue: WorkQueue = startQueue(deps, { name, reconcile, caches }, signal)
  services.onChange(({ before, after }) => {
    if (after) queue.add(keyOf(after))
    for (const ip of before ? clusterIps(before) : []) queue.add(ip)
  })
  addresses.cache.onChange(({ before, after }) => {
    const { metadata, spec } = (after ?? before)!
    if (after) queue.add(metadata.name)
    else queue.add(`${spec.parentRef.namespace}/${spec.parentRef.name}`)
  })
  return { name, idle: () => queue.idle() }
}

async function ignoreRace(writing: Promise<unknown>): Promise<void> {
  try {
    await writing
  } catch (error) {
    if (!isAlreadyExists(error) && !isNotFound(error)) throw error
  }
}
