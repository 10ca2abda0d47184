import { LabelSelector } from './label-selector.ts'
import { array, field, int32, int64, object, oneOf, pointer, string, type Static } from './schema.ts'

export const NodeSelectorRequirement = object('io.k8s.api.core.v1.NodeSelectorRequirement', {
  key: field(1, string(), { required: true }),
  operator: field(2, oneOf('DoesNotExist', 'Exists', 'Gt', 'In', 'Lt', 'NotIn'), { required: true }),
  values: field(3, array(string())),
})
export type NodeSelectorRequirement = Static<typeof NodeSelectorRequirement>

export const NodeSelectorTerm = object(
  'io.k8s.api.core.v1.NodeSelectorTerm',
  {
    matchExpressions: field(1, array(NodeSelectorRequirement)),
    matchFields: field(2, array(NodeSelectorRequirement)),
  },
  { mapType: 'atomic' },
)
export type NodeSelectorTerm = Static<typeof NodeSelectorTerm>

export const NodeSelector = object(
  'io.k8s.api.core.v1.NodeSelector',
  {
    nodeSelectorTerms: field(1, array(NodeSelectorTerm), { required: true }),
  },
  { mapType: 'atomic' },
)
export type NodeSelector = Static<typeof NodeSelector>

export const PreferredSchedulingTerm = object('io.k8s.api.core.v1.PreferredSchedulingTerm', {
  weight: field(1, int32(), { required: true }),
  preference: field(2, NodeSelectorTerm, { required: true }),
})
export type PreferredSchedulingTerm = Static<typeof PreferredSchedulingTerm>

export const NodeAffinity = object('io.k8s.api.core.v1.NodeAffinity', {
  requiredDuringSchedulingIgnoredDuringExecution: pointer(1, NodeSelector),
  preferredDuringSchedulingIgnoredDuringExecution: field(2, array(PreferredSchedulingTerm)),
})
export type NodeAffinity = Static<typeof NodeAffinity>

export const PodAffinityTerm = object('io.k8s.api.core.v1.PodAffinityTerm', {
  labelSelector: pointer(1, LabelSelector),
  namespaces: field(2, array(string())),
  topologyKey: field(3, string(), { required: true }),
  namespaceSelector: pointer(4, LabelSelector),
  matchLabelKeys: field(5, array(string())),
  mismatchLabelKeys: field(6, array(string())),
})
export type PodAffinityTerm = Static<typeof PodAffinityTerm>

export const WeightedPodAffinityTerm = object('io.k8s.api.core.v1.WeightedPodAffinityTerm', {
  weight: field(1, int32(), { required: true }),
  podAffinityTerm: field(2, PodAffinityTerm, { required: true }),
})
export type WeightedPodAffinityTerm = Static<typeof WeightedPodAffinityTerm>

export const PodAffinity = object('io.k8s.api.core.v1.PodAffinity', {
  requiredDuringSchedulingIgnoredDuringExecution: field(1, array(PodAffinityTerm)),
  preferredDuringSchedulingIgnoredDuringExecution: field(2, array(WeightedPodAffinityTerm)),
})
export type PodAffinity = Static<typeof PodAffinity>

export const PodAntiAffinity = object('io.k8s.api.core.v1.PodAntiAffinity', {
  requiredDuringSchedulingIgnoredDuringExecution: field(1, array(PodAffinityTerm)),
  preferredDuringSchedulingIgnoredDuringExecution: field(2, array(WeightedPodAffinityTerm)),
})
export type PodAntiAffinity = Static<typeof PodAntiAffinity>

export const Affinity = object('io.k8s.api.core.v1.Affinity', {
  nodeAffinity: pointer(1, NodeAffinity),
  podAffinity: pointer(2, PodAffinity),
  podAntiAffinity: pointer(3, PodAntiAffinity),
})
export type Affinity = Static<typeof Affinity>

export const Toleration = object('io.k8s.api.core.v1.Toleration', {
  key: field(1, string()),
  operator: field(2, oneOf('Equal', 'Exists', 'Gt', 'Lt')),
  value: field(3, string()),
  effect: field(4, oneOf('NoExecute', 'NoSchedule', 'PreferNoSchedule')),
  tolerationSeconds: pointer(5, int64()),
})
export type Toleration = Static<typeof Toleration>

export const TopologySpreadConstraint = object('io.k8s.api.core.v1.TopologySpreadConstraint', {
  maxSkew: field(1, int32(), { required: true }),
  topologyKey: field(2, string(), { required: true }),
  whenUnsatisfiable: field(3, oneOf('DoNotSchedule', 'ScheduleAnyway'), { required: true }),
  labelSelector: pointer(4, LabelSelector),
  minDomains: pointer(5, int32()),
  nodeAffinityPolicy: pointer(6, string()),
  nodeTaintsPolicy: pointer(7, string()),
  matchLabelKeys: field(8, array(string())),
})
export type TopologySpreadConstraint = Static<typeof TopologySpreadConstraint>
