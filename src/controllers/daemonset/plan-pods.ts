/** Which daemon pods to make and which to remove. Pure. */
import type { DaemonSet } from '#api/daemon-set.ts'
import type { Node } from '#api/node.ts'
import type { Pod } from '#api/pod.ts'
import { isAvailable, isReady, isTerminal, isTerminating } from '../pod-state.ts'
import { resolveIntOrPercent } from '../resolve-int-or-percent.ts'
import { eligibility, nodeOfDaemonPod, revisionLabel } from './daemon-pod.ts'

export interface DaemonPlan {
  /** Names of nodes that get a pod. */
  readonly create: string[]
  readonly delete: Pod[]
  /** Among those deleted: pods that had failed by themselves. */
  readonly failed: Pod[]
}

export interface DaemonInputs {
  readonly set: DaemonSet
  readonly nodes: readonly Node[]
  readonly pods: readonly Pod[]
  /** Hash of the template as it is now. */
  readonly hash: string
  readonly nowMs: number
}

interface OnNode {
  readonly name: string
  readonly shouldRun: boolean
  readonly mayStay: boolean
  /** Neither finished nor leaving, oldest first. */
  readonly alive: readonly Pod[]
  readonly failed: readonly Pod[]
  readonly isClearing: boolean
}

export function planDaemonPods(inputs: DaemonInputs): DaemonPlan {
  const plan: DaemonPlan = { create: [], delete: [], failed: [] }
  if (inputs.set.metadata.deletionTimestamp) return plan
  const states = nodeStates(inputs)
  removeStrays(inputs, plan)
  for (const state of states) fillNode(state, inputs, plan)
  if (inputs.set.spec.updateStrategy?.type !== 'OnDelete') planRollingUpdate(states, inputs, plan)
  return plan
}

function nodeStates({ set, nodes, pods }: DaemonInputs): OnNode[] {
  const byNode = Map.groupBy(pods, nodeOfDaemonPod)
  return nodes.map((node) => {
    const { name } = node.metadata
    const here = byNode.get(name) ?? []
    return {
      name,
      ...eligibility(set, node),
      alive: here.filter((pod) => !isTerminating(pod) && !isTerminal(pod)).toSorted(byAge),
      failed: here.filter((pod) => !isTerminating(pod) && isTerminal(pod)),
      isClearing: here.some((pod) => isTerminating(pod)),
    }
  })
}

function byAge(a: Pod, b: Pod): number {
  const [left = '', right = ''] = [a, b].map(({ metadata }) => metadata.creationTimestamp)
  return left < right ? -1 : left > right ? 1 : 0
}

/** Pods that were never placed and whose node is gone. (Placed ones are collected by whoever watches nodes.) */
function removeStrays({ nodes, pods }: DaemonInputs, plan: DaemonPlan): void {
  const names = new Set(nodes.map(({ metadata }) => metadata.name))
  for (const pod of pods) {
    const target = nodeOfDaemonPod(pod)
    if (!pod.spec.nodeName && !isTerminating(pod) && (target === undefined || !names.has(target))) plan.delete.push(pod)
  }
}

/** One pod on every node that should have one; a surge of one more while the old one is being replaced. */
function fillNode(state: OnNode, inputs: DaemonInputs, plan: DaemonPlan): void {
  if (!state.mayStay) {
    plan.delete.push(...state.alive, ...state.failed)
    return
  }
  plan.failed.push(...state.failed)
  plan.delete.push(...state.failed)
  if (state.alive.length === 0 && state.shouldRun && !state.isClearing && state.failed.length === 0) {
    plan.create.push(state.name)
  }
  if (state.alive.length > 1) plan.delete.push(...surplus(state.alive, inputs))
}

function surplus(alive: readonly Pod[], { set, hash, nowMs }: DaemonInputs): Pod[] {
  const { maxSurge = 0 } = set.spec.updateStrategy?.rollingUpdate ?? {}
  const fresh = alive.filter((pod) => isFresh(pod, hash))
  const stale = alive.filter((pod) => !isFresh(pod, hash))
  if (maxSurge === 0 || maxSurge === '0%') return alive.slice(1)
  const isReplaced = fresh.some((pod) => isAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs))
  const keptStale = isReplaced || fresh.length === 0 ? 0 : 1
  return [...fresh.slice(1), ...(fresh.length === 0 ? stale.slice(1) : stale.slice(keptStale))]
}

function isFresh(pod: Pod, hash: string): boolean {
  return pod.metadata.labels?.[revisionLabel] === hash
}

function planRollingUpdate(states: readonly OnNode[], inputs: DaemonInputs, plan: DaemonPlan): void {
  const { set, hash, nowMs } = inputs
  const wanted = states.filter(({ shouldRun }) => shouldRun)
  const { maxSurge: surge = 0, maxUnavailable: unavailable = 1 } = set.spec.updateStrategy?.rollingUpdate ?? {}
  const maxSurge = resolveIntOrPercent(surge, wanted.length, 'up')
  const resolved = resolveIntOrPercent(unavailable, wanted.length, 'up')
  const maxUnavailable = maxSurge === 0 && resolved === 0 ? 1 : resolved
  const serves = (pod: Pod) => isReady(pod) && isAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs)
  const onlyStale = states.filter(({ alive }) => alive.length > 0 && alive.every((pod) => !isFresh(pod, hash)))

  if (maxSurge > 0) {
    const surging = states.filter(({ alive }) => alive.length > 1).length
    const idle = onlyStale.filter(({ alive }) => !alive.some(serves))
    const serving = onlyStale.filter(({ alive }) => alive.some(serves))
    const chosen = [...idle, ...serving.slice(0, Math.max(0, maxSurge - surging))]
    plan.create.push(...chosen.filter(({ shouldRun }) => shouldRun).map(({ name }) => name))
    return
  }
  const down = wanted.filter(({ alive }) => !alive.some(serves)).length
  let budget = Math.max(0, maxUnavailable - down)
  for (const { alive } of onlyStale) {
    const [pod] = alive
    if (!pod || plan.delete.includes(pod)) continue
    // Replacing a pod that serves nobody costs nothing.
    if (serves(pod) && budget-- <= 0) continue
    plan.delete.push(pod)
  }
}
