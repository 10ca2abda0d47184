/** Services stored before fields of today existed, as they are read today. */
import type { IpFamily } from '#lib/ip.ts'
import { parseIp } from '#lib/ip.ts'
import { applyDefaults } from './default-object.ts'
import { Service, type ServiceSpec } from './service.ts'
import { isHeadless } from './service-rules.ts'

/** Changes `service`: defaults, the plural of the address, families and their policy. */
export function upgradeService(service: Service, clusterFamilies: readonly IpFamily[]): void {
  applyDefaults(Service, service)
  const { spec } = service
  if (spec.type === 'ExternalName') return
  if (spec.clusterIP && !spec.clusterIPs?.length) spec.clusterIPs = [spec.clusterIP]
  if (!spec.clusterIPs?.length) return
  if (!spec.ipFamilies?.length) spec.ipFamilies = familiesOf(spec, clusterFamilies)
  spec.ipFamilyPolicy ??= spec.ipFamilies.length > 1 ? 'RequireDualStack' : 'SingleStack'
}

function familiesOf(spec: ServiceSpec, clusterFamilies: readonly IpFamily[]): IpFamily[] {
  if (!isHeadless(spec)) return (spec.clusterIPs ?? []).flatMap((ip) => parseIp(ip)?.family ?? [])
  const primary = clusterFamilies[0] ?? 'IPv4'
  if (spec.selector !== undefined || spec.ipFamilyPolicy === 'SingleStack') return [primary]
  return [primary, primary === 'IPv4' ? 'IPv6' : 'IPv4']
}
