/** What a cluster may be asked for, by options or in a config file. */
import { type AdmissionPlugin, admissionPlugins } from '#api/admission-plugin.ts'
import { maxNodes } from '#lib/address-plan.ts'
import type { IpFamily } from '#lib/ip.ts'
import {
  type ClusterRecord,
  type DnsSettings,
  type LoadBalancerChoice,
  proxyModes,
  type ProxyMode,
  type Registries,
} from './cluster-record.ts'

export interface ClusterConfig {
  readonly name?: string
  readonly nodes?: number
  readonly ipFamilies?: readonly IpFamily[]
  /** By node, in order. */
  readonly nodeLabels?: NonNullable<ClusterRecord['nodeLabels']>
  readonly proxyMode?: ProxyMode
  readonly registries?: Registries
  readonly admissionPlugins?: readonly AdmissionPlugin[]
  readonly dns?: DnsSettings
  readonly loadBalancer?: LoadBalancerChoice
}

export function parseNodes(value: unknown, findings: string[]): number {
  const count = Number(value)
  if (Number.isInteger(count) && count >= 1 && count <= maxNodes) return count
  findings.push(`nodes: must be a whole number from 1 to ${maxNodes}`)
  return 1
}

export const everyFamily: readonly IpFamily[] = ['IPv4', 'IPv6']

export function parseIpFamilies(value: unknown, findings: string[]): readonly IpFamily[] {
  const families = [value].flat().map(String)
  const isKnown = everyFamily.some((_, index) => everyFamily.slice(0, index + 1).join() === families.join())
  if (!isKnown) findings.push('ipFamilies: must be [IPv4] or [IPv4, IPv6]')
  return isKnown ? everyFamily.slice(0, families.length) : ['IPv4']
}

export function parseAdmissionPlugins(value: unknown, findings: string[]): readonly AdmissionPlugin[] {
  const names: readonly unknown[] = Array.isArray(value) ? value : [value]
  const known = admissionPlugins.filter((plugin) => names.includes(plugin))
  if (known.length !== names.length) findings.push(`admissionPlugins: must be a list of ${admissionPlugins.join(', ')}`)
  return known
}

export function parseProxyMode(value: unknown, findings: string[]): ProxyMode {
  const mode = proxyModes.find((known) => known === value)
  if (!mode) findings.push(`proxyMode: must be one of ${proxyModes.join(', ')}`)
  return mode ?? 'nftables'
}
