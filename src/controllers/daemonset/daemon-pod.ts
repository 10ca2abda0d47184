/** A DaemonSet's pod for one node, and which nodes get one. Pure. */
import type { Toleration } from '#api/affinity.ts'
import type { ControllerRevision } from '#api/controller-revision.ts'
import type { DaemonSet } from '#api/daemon-set.ts'
import type { Node } from '#api/node.ts'
import type { Pod } from '#api/pod.ts'
import type { Draft } from '#client/contract.ts'
import { hashOf } from '../controller-history.ts'
import { matchesNodeAffinity, untoleratedTaint } from '../match-node.ts'
import { podFromTemplate } from '../pod-from-template.ts'

export const revisionLabel = 'controller-revision-hash'
const generationLabel = 'pod-template-generation'
const generationAnnotation = 'deprecated.daemonset.template.generation'

/** Daemons stay where other pods must leave. */
const daemonTolerations: readonly Toleration[] = [
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/pid-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
]
const hostNetworkToleration: Toleration = {
  key: 'node.kubernetes.io/network-unavailable',
  operator: 'Exists',
  effect: 'NoSchedule',
}

export interface Eligibility {
  /** A pod should be made there. */
  readonly shouldRun: boolean
  /** A pod that is there may stay. */
  readonly mayStay: boolean
}

export function eligibility(set: DaemonSet, node: Node): Eligibility {
  const { spec } = set.spec.template
  const isNamed = !spec.nodeName || spec.nodeName === node.metadata.name
  if (!isNamed || !matchesNodeAffinity(spec, node)) return { shouldRun: false, mayStay: false }
  const tolerations = tolerationsOf(spec)
  return {
    shouldRun: !untoleratedTaint(node.spec.taints, tolerations, ['NoSchedule', 'NoExecute']),
    mayStay: !untoleratedTaint(node.spec.taints, tolerations, ['NoExecute']),
  }
}

function tolerationsOf({ tolerations = [], hostNetwork }: Pod['spec']): Toleration[] {
  const added = hostNetwork ? [...daemonTolerations, hostNetworkToleration] : daemonTolerations
  const isThere = ({ key, effect }: Toleration) =>
    tolerations.some((own) => own.key === key && own.effect === effect && own.operator === 'Exists')
  return [...tolerations, ...added.filter((toleration) => !isThere(toleration))]
}

export function podOfDaemonSet(set: DaemonSet, nodeName: string, revision: ControllerRevision): Draft<Pod> {
  const generation = set.metadata.annotations?.[generationAnnotation]
  const labels = { [revisionLabel]: hashOf(revision), ...(generation && { [generationLabel]: generation }) }
  const draft = podFromTemplate(set, set.spec.template, { generateName: `${set.metadata.name}-`, labels })
  const { affinity, ...spec } = draft.spec
  return {
    ...draft,
    spec: { ...spec, tolerations: tolerationsOf(draft.spec), affinity: pinned(affinity, nodeName) },
  }
}

/** The node was chosen here; the scheduler only checks that the pod fits there. */
function pinned(affinity: Pod['spec']['affinity'], nodeName: string): NonNullable<Pod['spec']['affinity']> {
  const matchFields = [{ key: 'metadata.name', operator: 'In' as const, values: [nodeName] }]
  return {
    ...affinity,
    nodeAffinity: {
      ...affinity?.nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields }] },
    },
  }
}

/** Where the pod is, or is meant to go. */
export function nodeOfDaemonPod({ spec }: Pod): string | undefined {
  if (spec.nodeName) return spec.nodeName
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  const field = terms.flatMap(({ matchFields = [] }) => matchFields).find(({ key }) => key === 'metadata.name')
  return field?.operator === 'In' && field.values?.length === 1 ? field.values[0] : undefined
}
