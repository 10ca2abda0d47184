import { ageColumn, integerColumn, nameColumn, textColumn } from './columns.ts'
import { Condition } from './condition.ts'
import { defineKind } from './kind.ts'
import { LabelSelector } from './label-selector.ts'
import { kindSchema } from './meta-schema.ts'
import { array, field, int32, int64, intOrString, map, object, pointer, string, time, type Static } from './schema.ts'
import { validateObjectMeta } from './validate-object-meta.ts'

export const PodDisruptionBudgetSpec = object('io.k8s.api.policy.v1.PodDisruptionBudgetSpec', {
  minAvailable: pointer(1, intOrString()),
  selector: pointer(2, LabelSelector, { patchStrategy: 'replace' }),
  maxUnavailable: pointer(3, intOrString()),
  unhealthyPodEvictionPolicy: pointer(4, string()),
})
export type PodDisruptionBudgetSpec = Static<typeof PodDisruptionBudgetSpec>

export const PodDisruptionBudgetStatus = object('io.k8s.api.policy.v1.PodDisruptionBudgetStatus', {
  observedGeneration: field(1, int64()),
  disruptedPods: field(2, map(time())),
  disruptionsAllowed: field(3, int32(), { zero: 'keep' }),
  currentHealthy: field(4, int32(), { zero: 'keep' }),
  desiredHealthy: field(5, int32(), { zero: 'keep' }),
  expectedPods: field(6, int32(), { zero: 'keep' }),
  conditions: field(
    7,
    array(Condition, { listType: 'map', listMapKeys: ['type'], patchStrategy: 'merge', patchMergeKey: 'type' }),
  ),
})
export type PodDisruptionBudgetStatus = Static<typeof PodDisruptionBudgetStatus>

const podDisruptionBudgetSchema = kindSchema(
  'io.k8s.api.policy.v1.PodDisruptionBudget',
  {
    spec: field(2, PodDisruptionBudgetSpec, { required: true, default: {} }),
    status: field(3, PodDisruptionBudgetStatus),
  },
  'How many pods of a set may be evicted at once.',
)
export type PodDisruptionBudget = Static<typeof podDisruptionBudgetSchema>

export const PodDisruptionBudget = defineKind<PodDisruptionBudget>({
  group: 'policy',
  version: 'v1',
  kind: 'PodDisruptionBudget',
  plural: 'poddisruptionbudgets',
  shortNames: ['pdb'],
  schema: podDisruptionBudgetSchema,
  hasStatus: true,
  hasGeneration: true,
  columns: [
    nameColumn(),
    textColumn('Min Available', ({ spec }) => String(spec.minAvailable ?? 'N/A')),
    textColumn('Max Unavailable', ({ spec }) => String(spec.maxUnavailable ?? 'N/A')),
    integerColumn('Allowed Disruptions', ({ status }) => status?.disruptionsAllowed),
    ageColumn(),
  ],
  validate: (object, { before }) => validateObjectMeta(object.metadata, { namespaced: true, before: before?.metadata }),
})
