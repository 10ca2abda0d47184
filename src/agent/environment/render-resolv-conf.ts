/** A pod's /etc/resolv.conf by dnsPolicy and dnsConfig. */
import type { Pod } from '#api/pod.ts'

export interface ResolverConfig {
  readonly nameservers: readonly string[]
  readonly searches: readonly string[]
  readonly options: readonly string[]
}

export interface DnsInput {
  readonly pod: Pod
  readonly clusterDns: readonly string[]
  readonly clusterDomain: string
  readonly host: ResolverConfig
}

const maxNameservers = 3
const maxSearches = 32
const maxSearchCharacters = 2048

export function parseResolvConf(text: string): ResolverConfig {
  const config = { nameservers: [] as string[], searches: [] as string[], options: [] as string[] }
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line.trim().split(/\s+/)
    if (keyword === 'nameserver' && values[0]) config.nameservers.push(values[0])
    // The last `search` or `domain` line counts.
    if (keyword === 'search' || keyword === 'domain') config.searches = values
    if (keyword === 'options') config.options.push(...values)
  }
  return config
}

/** `omissions`: which limits were exceeded, and what they leave, in kubelet's words. */
export function renderResolvConf(input: DnsInput): { readonly text: string; readonly omissions: readonly string[] } {
  const base = mergeDnsConfig(baseConfig(input), input.pod)
  const nameservers = base.nameservers.slice(0, maxNameservers)
  const searches = withinLimits(base.searches)
  const lines = [
    ...(searches.length > 0 ? [`search ${searches.join(' ')}`] : []),
    ...nameservers.map((server) => `nameserver ${server}`),
    ...(base.options.length > 0 ? [`options ${base.options.join(' ')}`] : []),
  ]
  const omissions = [
    ...(nameservers.length < base.nameservers.length
      ? [
          `Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: ${nameservers.join(' ')}`,
        ]
      : []),
    ...(searches.length < base.searches.length
      ? [
          `Search Line limits were exceeded, some search paths have been omitted, the applied search line is: ${searches.join(' ')}`,
        ]
      : []),
  ]
  return { text: lines.map((line) => `${line}\n`).join(''), omissions }
}

function baseConfig({ pod, clusterDns, clusterDomain, host }: DnsInput): ResolverConfig {
  const { dnsPolicy = 'ClusterFirst', hostNetwork } = pod.spec
  if (dnsPolicy === 'None') return { nameservers: [], searches: [], options: [] }
  if (dnsPolicy === 'Default' || (dnsPolicy === 'ClusterFirst' && hostNetwork)) return host
  const service = `svc.${clusterDomain}`
  const searches = [`${pod.metadata.namespace}.${service}`, service, clusterDomain, ...host.searches]
  return { nameservers: clusterDns, searches: [...new Set(searches)], options: ['ndots:5'] }
}

function mergeDnsConfig(base: ResolverConfig, pod: Pod): ResolverConfig {
  const { nameservers = [], searches = [], options = [] } = pod.spec.dnsConfig ?? {}
  const merged = new Map(base.options.map((option) => [option.split(':')[0]!, option]))
  for (const { name = '', value } of options) merged.set(name, value ? `${name}:${value}` : name)
  return {
    nameservers: [...new Set([...base.nameservers, ...nameservers])],
    searches: [...new Set([...base.searches, ...searches])],
    options: [...merged.values()],
  }
}

function withinLimits(searches: readonly string[]): string[] {
  const kept = searches.slice(0, maxSearches)
  while (kept.join(' ').length > maxSearchCharacters) kept.pop()
  return kept
}
