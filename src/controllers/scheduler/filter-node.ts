/** Why a pod cannot run on a node, in Kubernetes' words. Pure. */
import type { Node } from '#api/node.ts'
import type { Pod } from '#api/pod.ts'
import { matchesNodeAffinity, tolerates, untoleratedTaint } from '../match-node.ts'
import { quantityValue } from '#api/check-quantity.ts'
import type { NodeUsage } from './node-usage.ts'
import { hostPorts, podRequests, portsCollide } from './pod-requests.ts'

const unschedulableTaint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' } as const

/** Empty when the pod fits, as far as this node alone can say. The first filter that refuses gives the reasons. */
export function filterNode(pod: Pod, node: Node, usage: NodeUsage): string[] {
  for (const filter of [isUnschedulable, hasWrongName, hasTaint, missesAffinity, takesPorts, lacksResources]) {
    const reasons = filter(pod, node, usage)
    if (reasons.length > 0) return reasons
  }
  return []
}

function isUnschedulable(pod: Pod, node: Node): string[] {
  const isTolerated = pod.spec.tolerations?.some((toleration) => tolerates(toleration, unschedulableTaint))
  return node.spec.unschedulable && !isTolerated ? ['node(s) were unschedulable'] : []
}

function hasWrongName(pod: Pod, node: Node): string[] {
  const { nodeName } = pod.spec
  return nodeName && nodeName !== node.metadata.name ? ["node(s) didn't match the requested node name"] : []
}

function hasTaint(pod: Pod, node: Node): string[] {
  const taint = untoleratedTaint(node.spec.taints, pod.spec.tolerations, ['NoSchedule', 'NoExecute'])
  return taint ? [`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`] : []
}

function missesAffinity(pod: Pod, node: Node): string[] {
  return matchesNodeAffinity(pod.spec, node) ? [] : ["node(s) didn't match Pod's node affinity/selector"]
}

function takesPorts(pod: Pod, _node: Node, usage: NodeUsage): string[] {
  const wanted = hostPorts(pod)
  const isTaken = wanted.some((port) => [...usage.hostPorts].some((taken) => portsCollide(port, taken)))
  return isTaken ? ["node(s) didn't have free ports for the requested pod ports"] : []
}

function lacksResources(pod: Pod, node: Node, usage: NodeUsage): string[] {
  const allocatable = node.status?.allocatable ?? node.status?.capacity ?? {}
  return Object.entries(podRequests(pod)).flatMap(([name, amount]) => {
    if (amount === 0) return []
    const total = allocatable[name] === undefined ? undefined : quantityValue(allocatable[name])
    // A node that does not say how many pods it takes takes any number; other resources it then does not have.
    if (name === 'pods' && total === undefined) return []
    if ((usage.requested.get(name) ?? 0) + amount <= (total ?? 0)) return []
    return [name === 'pods' ? 'Too many pods' : `Insufficient ${name}`]
  })
}
