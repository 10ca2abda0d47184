/** Starts the repair of cluster IPs. Allocation itself is the API server's; this only mends what came apart. */
import { IPAddress } from '#api/ip-address.ts'
import { Service } from '#api/service.ts'
import { ServiceCIDR } from '#api/service-cidr.ts'
import { isAlreadyExists, isNotFound } from '#api/status-error.ts'
import type { WorkQueue } from '#client/contract.ts'
import type { Controller, ControllerDeps } from '../contract.ts'
import { indexObjects } from '../object-index.ts'
import { keyOf, parseKey, refOf } from '../object-key.ts'
import { openResource } from '../owned-resource.ts'
import { startQueue } from '../start-queue.ts'
import { clusterIps, namedService, planAddressRepair, planRepair } from './plan-repair.ts'

/** A server releases an address after it has stored the Service without it: meanwhile the address looks lost. */
const releaseMs = 5_000

export function startServiceIpRepair(deps: ControllerDeps, signal: AbortSignal): Controller {
  const name = 'service-ip'
  const { client, clock, recordEvent } = deps
  const services = deps.informers.of(Service)
  const cidrs = deps.informers.of(ServiceCIDR)
  const addresses = openResource(deps, IPAddress, signal)
  /** Addresses that seem to be wrong, and since when. */
  const suspects = new Map<string, { readonly uid: string; readonly sinceMs: number }>()
  const servicesByIp = indexObjects(services, clusterIps)

  const reconcile = async (key: string) => {
    if (key.includes('/')) await repairService(key)
    else await repairAddress(key)
  }
  const repairService = async (key: string) => {
    const service = services.get(parseKey(key))
    if (!service || service.metadata.deletionTimestamp) return
    for (const ip of clusterIps(service)) {
      if (!repairOf(service, ip, addresses.cache.get({ name: ip }))) continue
      const holder = await findLive(ip)
      const repair = repairOf(service, ip, holder)
      if (!repair || !(await stillUses(service, ip))) continue
      recordEvent(service, 'Warning', repair.reason, repair.message)
      if (!repair.create) continue
      if (holder) await ignoreRace(addresses.delete(holder))
      await ignoreRace(addresses.create(repair.create))
    }
  }
  const repairOf = (service: Service, ip: string, holder: IPAddress | undefined) => {
    const holderService = holder && services.get(namedService(holder))
    return planRepair(service, ip, { holder, holderService, cidrs: cidrs.list() })
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
    const repair = address && planAddressRepair(address, services.get(namedService(address)))
    if (!repair) return void suspects.delete(ip)
    const { uid = '', creationTimestamp = '' } = address.metadata
    const known = suspects.get(ip)
    const sinceMs = known?.uid === uid ? known.sinceMs : clock.nowMs()
    suspects.set(ip, { uid, sinceMs })
    const dueMs = Math.max(Date.parse(creationTimestamp) + repair.minAgeMs, sinceMs + releaseMs)
    if (dueMs > clock.nowMs()) return queue.addAfter(ip, dueMs - clock.nowMs())
    recordEvent(address, 'Warning', repair.reason, repair.message)
    await ignoreRace(addresses.delete(address))
  }

  const caches = [services, cidrs, addresses.cache]
  const queue: WorkQueue = startQueue(deps, { name, reconcile, caches }, signal)
  services.onChange(({ before, after }) => {
    if (after) queue.add(keyOf(after))
    for (const ip of before ? clusterIps(before) : []) queue.add(ip)
  })
  addresses.cache.onChange(({ before, after }) => {
    if (after) queue.add(after.metadata.name)
    // Whoever uses the address must have it, whoever was named in it.
    const { name: ip } = (after ?? before)!.metadata
    for (const service of servicesByIp.get(ip)) queue.add(keyOf(service))
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
