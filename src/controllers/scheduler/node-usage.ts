/** What is taken on each node, kept up to date pod by pod, so that a decision does not walk all pods. Pure. */
import type { Pod } from '#api/pod.ts'
import { controllerOf } from '../controller-ref.ts'
import { canonicalJson } from '../compare-values.ts'
import { hostPorts, podRequests } from './pod-requests.ts'

export interface NodeUsage {
  readonly pods: ReadonlyMap<string, Pod>
  readonly requested: ReadonlyMap<string, number>
  readonly hostPorts: ReadonlySet<string>
  /** Pods per group, see `groupOf`. */
  readonly groups: ReadonlyMap<string, number>
}

interface Usage {
  readonly pods: Map<string, Pod>
  readonly requested: Map<string, number>
  readonly hostPorts: Set<string>
  readonly groups: Map<string, number>
}

export class ClusterUsage {
  readonly #nodes = new Map<string, Usage>()
  readonly #nodeOf = new Map<string, string>()
  readonly #antiAffine = new Set<string>()

  of(nodeName: string): NodeUsage {
    return this.#nodes.get(nodeName) ?? emptyUsage()
  }

  /** Puts a pod on a node, or moves what is known of it. */
  put(pod: Pod, nodeName: string): void {
    const uid = pod.metadata.uid ?? ''
    this.remove(uid)
    this.#nodeOf.set(uid, nodeName)
    const usage = this.#nodes.get(nodeName) ?? emptyUsage()
    this.#nodes.set(nodeName, usage)
    usage.pods.set(uid, pod)
    for (const port of hostPorts(pod)) usage.hostPorts.add(port)
    if (pod.spec.affinity?.podAntiAffinity) this.#antiAffine.add(uid)
    count(usage, pod, 1)
  }

  remove(uid: string): void {
    const nodeName = this.#nodeOf.get(uid)
    const usage = nodeName === undefined ? undefined : this.#nodes.get(nodeName)
    const pod = usage?.pods.get(uid)
    if (nodeName === undefined || !usage || !pod) return
    this.#nodeOf.delete(uid)
    this.#antiAffine.delete(uid)
    usage.pods.delete(uid)
    for (const port of hostPorts(pod)) usage.hostPorts.delete(port)
    count(usage, pod, -1)
    if (usage.pods.size === 0) this.#nodes.delete(nodeName)
  }

  /** Whether some pod keeps others away from its node, so that even a plain pod must look at its neighbours. */
  get hasAntiAffinity(): boolean {
    return this.#antiAffine.size > 0
  }

  /** Every pod that is on a node, with its node's name. */
  *placements(): Generator<readonly [pod: Pod, nodeName: string]> {
    for (const [nodeName, { pods }] of this.#nodes) for (const pod of pods.values()) yield [pod, nodeName]
  }
}

function emptyUsage(): Usage {
  return { pods: new Map(), requested: new Map(), hostPorts: new Set(), groups: new Map() }
}

function count(usage: Usage, pod: Pod, sign: 1 | -1): void {
  const group = groupOf(pod)
  usage.groups.set(group, (usage.groups.get(group) ?? 0) + sign)
  for (const [name, amount] of Object.entries(podRequests(pod))) {
    usage.requested.set(name, (usage.requested.get(name) ?? 0) + sign * amount)
  }
}

/** Pods that do the same work and should not stand on one node: same controller, else same namespace and labels. */
export function groupOf(pod: Pod): string {
  return controllerOf(pod)?.uid ?? `${pod.metadata.namespace} ${canonicalJson(pod.metadata.labels ?? {})}`
}
