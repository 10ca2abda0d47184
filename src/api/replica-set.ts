import { ageColumn, integerColumn, nameColumn } from './columns.ts'
import { applyPodSpecDefaults } from './default-pod-spec.ts'
import { formatLabelSelector } from './parse-selector.ts'
import { templateColumns, selectorColumn } from './workload-columns.ts'
import { defineKind } from './kind.ts'
import { LabelSelector } from './label-selector.ts'
import { kindSchema } from './meta-schema.ts'
import { PodTemplateSpec } from './pod-template.ts'
import { array, field, int32, int64, object, oneOf, pointer, string, time, type Static } from './schema.ts'
import { validateReplicaSet } from './validate-workload.ts'

export const ReplicaSetSpec = object('io.k8s.api.apps.v1.ReplicaSetSpec', {
  replicas: pointer(1, int32(), { default: 1 }),
  minReadySeconds: field(4, int32()),
  selector: pointer(2, LabelSelector, { required: true }),
  template: field(3, PodTemplateSpec, { required: true, default: {} }),
})
export type ReplicaSetSpec = Static<typeof ReplicaSetSpec>

export const ReplicaSetCondition = object('io.k8s.api.apps.v1.ReplicaSetCondition', {
  type: field(1, string(), { required: true }),
  status: field(2, oneOf('False', 'True', 'Unknown'), { required: true }),
  lastTransitionTime: field(3, time()),
  reason: field(4, string()),
  message: field(5, string()),
})
export type ReplicaSetCondition = Static<typeof ReplicaSetCondition>

export const ReplicaSetStatus = object('io.k8s.api.apps.v1.ReplicaSetStatus', {
  replicas: field(1, int32(), { required: true }),
  fullyLabeledReplicas: field(2, int32()),
  readyReplicas: field(4, int32()),
  availableReplicas: field(5, int32()),
  observedGeneration: field(3, int64()),
  conditions: field(
    6,
    array(ReplicaSetCondition, {
      listType: 'map',
      listMapKeys: ['type'],
      patchStrategy: 'merge',
      patchMergeKey: 'type',
    }),
  ),
  terminatingReplicas: pointer(7, int32()),
})
export type ReplicaSetStatus = Static<typeof ReplicaSetStatus>

const replicaSetSchema = kindSchema(
  'io.k8s.api.apps.v1.ReplicaSet',
  {
    spec: field(2, ReplicaSetSpec, { required: true, default: {} }),
    status: field(3, ReplicaSetStatus),
  },
  'Keeps a number of equal pods running. Usually made by a Deployment.',
)
export type ReplicaSet = Static<typeof replicaSetSchema>

export const ReplicaSet = defineKind<ReplicaSet>({
  group: 'apps',
  version: 'v1',
  kind: 'ReplicaSet',
  plural: 'replicasets',
  shortNames: ['rs'],
  categories: ['all'],
  schema: replicaSetSchema,
  hasStatus: true,
  hasGeneration: true,
  columns: [
    nameColumn(),
    integerColumn('Desired', ({ spec }) => spec.replicas),
    integerColumn('Current', ({ status }) => status?.replicas),
    integerColumn('Ready', ({ status }) => status?.readyReplicas),
    ageColumn(),
    ...templateColumns<ReplicaSet>(),
    selectorColumn(),
  ],
  scale: {
    replicas: (object) => object.spec.replicas ?? 0,
    statusReplicas: (object) => object.status?.replicas ?? 0,
    selector: (object) => formatLabelSelector(object.spec.selector),
  },
  selectableFields: { 'status.replicas': ({ status }) => String(status?.replicas ?? 0) },
  applyDefaults: ({ spec }) => applyPodSpecDefaults(spec.template.spec),
  validate: validateReplicaSet,
})
