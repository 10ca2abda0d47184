/** The search path in a pod's resolv.conf, from its dnsPolicy and dnsConfig. */
import type { Pod } from '#api/pod.ts'
import type { SearchPath } from './search-path.ts'

export interface SearchPathContext {
  readonly clusterDomain: string
  /** Of the host's resolv.conf, which pods inherit. */
  readonly hostSearches: readonly string[]
}

/** Of what the agent writes down: see render-resolv-conf.ts there. */
const maxDomains = 32
const maxCharacters = 2048
const clusterNdots = 5
/** What resolvers take when nothing is said (resolv.conf(5)). */
const defaultNdots = 1

/** Undefined when the pod does not search its own namespace first. */
export function selectSearchPath(pod: Pod, context: SearchPathContext): SearchPath | undefined {
  const { dnsPolicy = 'ClusterFirst', dnsConfig = {}, hostNetwork } = pod.spec
  const namespace = pod.metadata.namespace ?? 'default'
  const { clusterDomain, hostSearches } = context
  const service = `svc.${clusterDomain}`
  const isClusterFirst = dnsPolicy === 'ClusterFirstWithHostNet' || (dnsPolicy === 'ClusterFirst' && !hostNetwork)
  const base = isClusterFirst ? [`${namespace}.${service}`, service, clusterDomain, ...hostSearches] : []
  const inherited = dnsPolicy === 'Default' ? hostSearches : base
  const all = [...new Set([...inherited, ...(dnsConfig.searches ?? [])])].slice(0, maxDomains)
  while (all.join(' ').length > maxCharacters) all.pop()
  const domains = [...new Set(all.map(lowerPlain))]
  if (domains[0] !== `${namespace}.${service}`) return undefined
  const option = dnsConfig.options?.findLast(({ name }) => name === 'ndots')?.value
  const ndots = option === undefined ? (isClusterFirst ? clusterNdots : defaultNdots) : Number(option)
  return Number.isInteger(ndots) && ndots >= 0 ? { namespace, domains, ndots: Math.min(ndots, 15) } : undefined
}

function lowerPlain(domain: string): string {
  return domain.toLowerCase().replace(/\.$/, '')
}
