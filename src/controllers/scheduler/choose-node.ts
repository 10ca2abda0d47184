/** Where a pod should run, or why it cannot. Pure. */
import type { Node } from '#api/node.ts'
import type { Pod } from '#api/pod.ts'
import { matchesNodeTerm, untoleratedTaint } from '../match-node.ts'
import { filterNode } from './filter-node.ts'
import { topologyFilter } from './filter-topology.ts'
import type { Topology } from './filter-topology.ts'
import { groupOf } from './node-usage.ts'
import type { ClusterUsage } from './node-usage.ts'

export type Choice = { readonly node: string } | { readonly refusal: string }

export interface ChooseInputs {
  readonly pod: Pod
  readonly nodes: readonly Node[]
  readonly usage: ClusterUsage
  readonly namespaceLabels: Topology['namespaceLabels']
}

export function chooseNode({ pod, nodes, usage, namespaceLabels }: ChooseInputs): Choice {
  if (nodes.length === 0) return { refusal: 'no nodes available to schedule pods' }
  const reasons = new Map<string, number>()
  const refuse = (texts: readonly string[]) => {
    for (const text of texts) reasons.set(text, (reasons.get(text) ?? 0) + 1)
    return texts.length === 0
  }
  const alone = nodes.filter((node) => refuse(filterNode(pod, node, usage.of(node.metadata.name))))
  const placements = looksAtNeighbours(pod, usage) ? [...usage.placements()] : []
  const topology = topologyFilter(pod, { nodes, placements, namespaceLabels })
  const feasible = alone.filter((node) => refuse(topology(node)))
  const best = feasible.toSorted((a, b) => compareScores(scoreNode(pod, a, usage), scoreNode(pod, b, usage)))[0]
  return best ? { node: best.metadata.name } : { refusal: renderRefusal(nodes.length, reasons) }
}

function looksAtNeighbours({ spec }: Pod, usage: ClusterUsage): boolean {
  const { affinity, topologySpreadConstraints } = spec
  return !!affinity?.podAffinity || !!affinity?.podAntiAffinity || !!topologySpreadConstraints || usage.hasAntiAffinity
}

function renderRefusal(total: number, reasons: ReadonlyMap<string, number>): string {
  const texts = [...reasons].map(([reason, count]) => `${count} ${reason}`).toSorted()
  return `0/${total} nodes are available: ${texts.join(', ')}.`
}

/** Compared from left to right, lower is better. */
type Score = readonly [avoided: number, unpreferred: number, sameGroup: number, pods: number, name: string]

/**
 * Preferences of the user first, then spreading: few pods of the same group, then few pods at all. (Kubernetes adds up
 * weighted scores; for pods without preferences the outcome is the same spread.)
 */
function scoreNode(pod: Pod, node: Node, usage: ClusterUsage): Score {
  const { groups, pods } = usage.of(node.metadata.name)
  const avoided = untoleratedTaint(node.spec.taints, pod.spec.tolerations, ['PreferNoSchedule']) ? 1 : 0
  const preferences = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []
  const preferred = preferences.reduce(
    (sum, { weight, preference }) => sum + (matchesNodeTerm(preference, node) ? weight : 0),
    0,
  )
  return [avoided, -preferred, groups.get(groupOf(pod)) ?? 0, pods.size, node.metadata.name]
}

function compareScores(a: Score, b: Score): number {
  for (const [index, left] of a.entries()) {
    const right = b[index]!
    if (left !== right) return left < right ? -1 : 1
  }
  return 0
}
