/** Pod affinity, anti-affinity and topology spread: filters that look at the pods of other nodes. Pure. */
import type { PodAffinityTerm, TopologySpreadConstraint } from '#api/affinity.ts'
import type { LabelSelector } from '#api/meta.ts'
import type { Node } from '#api/node.ts'
import type { Pod } from '#api/pod.ts'
import { matchesSelector } from '../match-labels.ts'
import type { Labels } from '../match-labels.ts'
import { matchesNodeAffinity } from '../match-node.ts'

export interface Topology {
  readonly nodes: readonly Node[]
  readonly placements: readonly (readonly [pod: Pod, nodeName: string])[]
  readonly namespaceLabels: (namespace: string) => Labels | undefined
}

/** One reason at most per node. Nothing is computed for pods that use none of these features, beyond one walk. */
export function topologyFilter(pod: Pod, topology: Topology): (node: Node) => string[] {
  const filters = [spreadFilter(pod, topology), affinityFilter(pod, topology), antiAffinityFilter(pod, topology)]
  const active = filters.filter((filter) => filter !== undefined)
  return (node) => {
    for (const filter of active) {
      const reason = filter(node)
      if (reason) return [reason]
    }
    return []
  }
}

type TopologyFilter = ((node: Node) => string | undefined) | undefined

function spreadFilter(pod: Pod, topology: Topology): TopologyFilter {
  const hard = pod.spec.topologySpreadConstraints?.filter(
    ({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule',
  )
  if (!hard?.length) return undefined
  const checks = hard.map((constraint) => spreadCheck(pod, constraint, topology))
  return (node) => {
    for (const check of checks) {
      const reason = check(node)
      if (reason) return reason
    }
    return undefined
  }
}

function spreadCheck(pod: Pod, constraint: TopologySpreadConstraint, topology: Topology) {
  const { topologyKey, maxSkew, minDomains = 1 } = constraint
  const selector = withLabelKeys(constraint.labelSelector, constraint.matchLabelKeys, pod)
  const nodes = topology.nodes.filter(
    (node) => node.metadata.labels?.[topologyKey] !== undefined && matchesNodeAffinity(pod.spec, node),
  )
  const counts = new Map(nodes.map((node) => [node.metadata.labels![topologyKey]!, 0]))
  const domainOf = new Map(nodes.map((node) => [node.metadata.name, node.metadata.labels![topologyKey]!]))
  for (const [other, nodeName] of topology.placements) {
    const domain = domainOf.get(nodeName)
    if (domain === undefined || other.metadata.namespace !== pod.metadata.namespace) continue
    if (other.metadata.deletionTimestamp || !matchesSelector(selector, other.metadata.labels)) continue
    counts.set(domain, (counts.get(domain) ?? 0) + 1)
  }
  const least = counts.size < minDomains ? 0 : Math.min(...counts.values())
  const self = matchesSelector(selector, pod.metadata.labels) ? 1 : 0
  return (node: Node) => {
    const domain = node.metadata.labels?.[topologyKey]
    const reason = "node(s) didn't match pod topology spread constraints"
    if (domain === undefined) return `${reason} (missing required label)`
    return (counts.get(domain) ?? 0) + self - least > maxSkew ? reason : undefined
  }
}

function withLabelKeys(selector: LabelSelector | undefined, keys: readonly string[] | undefined, pod: Pod) {
  if (!keys?.length) return selector
  const pinned = keys.flatMap((key) => {
    const value = pod.metadata.labels?.[key]
    return value === undefined ? [] : [{ key, operator: 'In' as const, values: [value] }]
  })
  return { ...selector, matchExpressions: [...(selector?.matchExpressions ?? []), ...pinned] }
}

function affinityFilter(pod: Pod, topology: Topology): TopologyFilter {
  const terms = pod.spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  if (!terms?.length) return undefined
  const domains = terms.map((term) => domainsWith(pod, term, topology))
  // The first pod of a group that wants to be together may go anywhere.
  const isFirst =
    domains.every(({ size }) => size === 0) && terms.every((term) => termMatches(pod, term, pod, topology))
  return (node) => {
    const fits = terms.every(({ topologyKey }, index) => {
      const domain = node.metadata.labels?.[topologyKey]
      return domain !== undefined && (isFirst || domains[index]!.has(domain))
    })
    return fits ? undefined : "node(s) didn't match pod affinity rules"
  }
}

function antiAffinityFilter(pod: Pod, topology: Topology): TopologyFilter {
  const terms = pod.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []
  const own = terms.map((term) => ({ key: term.topologyKey, domains: domainsWith(pod, term, topology) }))
  const labelsOf = new Map(topology.nodes.map(({ metadata }) => [metadata.name, metadata.labels ?? {}]))
  const others = topology.placements.flatMap(([other, nodeName]) =>
    (other.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).flatMap((term) =>
      termMatches(other, term, pod, topology)
        ? [{ key: term.topologyKey, domain: labelsOf.get(nodeName)?.[term.topologyKey] }]
        : [],
    ),
  )
  if (own.length === 0 && others.length === 0) return undefined
  return (node) => {
    const { labels = {} } = node.metadata
    if (own.some(({ key, domains }) => labels[key] !== undefined && domains.has(labels[key]))) {
      return "node(s) didn't match pod anti-affinity rules"
    }
    const isShunned = others.some(({ key, domain }) => domain !== undefined && labels[key] === domain)
    return isShunned ? "node(s) didn't satisfy existing pods anti-affinity rules" : undefined
  }
}

/** Values of the term's topology key on nodes that have a pod which the term means. */
function domainsWith(pod: Pod, term: PodAffinityTerm, topology: Topology): Set<string> {
  const labelsOf = new Map(topology.nodes.map(({ metadata }) => [metadata.name, metadata.labels ?? {}]))
  const domains = new Set<string>()
  for (const [other, nodeName] of topology.placements) {
    const domain = labelsOf.get(nodeName)?.[term.topologyKey]
    if (domain !== undefined && termMatches(pod, term, other, topology)) domains.add(domain)
  }
  return domains
}

/** Whether `term`, which stands in `holder`, means `other`. */
function termMatches(holder: Pod, term: PodAffinityTerm, other: Pod, { namespaceLabels }: Topology): boolean {
  const { namespaces, namespaceSelector, matchLabelKeys } = term
  const namespace = other.metadata.namespace ?? ''
  const isNamespaceMeant =
    !namespaces?.length && !namespaceSelector
      ? namespace === holder.metadata.namespace
      : !!namespaces?.includes(namespace) || matchesSelector(namespaceSelector, namespaceLabels(namespace))
  return (
    isNamespaceMeant &&
    matchesSelector(withLabelKeys(term.labelSelector, matchLabelKeys, holder), other.metadata.labels)
  )
}
