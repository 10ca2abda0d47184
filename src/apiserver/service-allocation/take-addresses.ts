/** The cluster IPs of one write. */
import type { Service } from '#api/service.ts'
import { isHeadless, needsClusterIp } from '#api/service-rules.ts'
import type { IpFamily } from '#lib/ip.ts'
import type { ClusterAddresses } from './cluster-addresses.ts'
import { addressesOf } from './held-values.ts'

export interface AddressTaking {
  readonly addresses: ClusterAddresses
  readonly service: Service
  readonly before: Service | undefined
  readonly dryRun: boolean
  /** Grows as addresses are taken, so that a failure half-way can be undone. */
  readonly taken: string[]
}

/** One address per family of the Service; those it had stay. Changes `service`. */
export async function takeAddresses(taking: AddressTaking): Promise<void> {
  const { spec } = taking.service
  if (!needsClusterIp(spec)) return
  if (isHeadless(spec)) {
    spec.clusterIP = 'None'
    spec.clusterIPs = ['None']
    return
  }
  const kept = new Set(taking.before ? addressesOf(taking.before.spec) : [])
  const wanted = spec.clusterIPs ?? []
  const chosen: string[] = []
  for (const [index, family] of (spec.ipFamilies ?? []).entries()) {
    const address = wanted[index]
    chosen.push(address && kept.has(address) ? address : await takeAddress(taking, address, family as IpFamily))
  }
  spec.clusterIPs = chosen
  if (chosen[0] !== undefined) spec.clusterIP = chosen[0]
}

async function takeAddress(taking: AddressTaking, wanted: string | undefined, family: IpFamily): Promise<string> {
  const { addresses, service, dryRun, taken } = taking
  if (wanted) await addresses.take(wanted, service, dryRun)
  else if (dryRun) return addresses.placeholder(family, service)
  const address = wanted || (await addresses.takeAny(family, service))
  if (!dryRun) taken.push(address)
  return address
}
