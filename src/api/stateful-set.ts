import { ageColumn, nameColumn, textColumn } from './columns.ts'
import { applyPodSpecDefaults } from './default-pod-spec.ts'
import { formatLabelSelector } from './parse-selector.ts'
import { templateColumns } from './workload-columns.ts'
import { defineKind } from './kind.ts'
import { LabelSelector } from './label-selector.ts'
import { kindSchema } from './meta-schema.ts'
import { PersistentVolumeClaim } from './persistent-volume-claim.ts'
import { PodTemplateSpec } from './pod-template.ts'
import { array, field, int32, int64, intOrString, object, oneOf, pointer, string, time, type Static } from './schema.ts'
import { validateStatefulSet } from './validate-workload.ts'

export const RollingUpdateStatefulSetStrategy = object('io.k8s.api.apps.v1.RollingUpdateStatefulSetStrategy', {
  partition: pointer(1, int32()),
  maxUnavailable: pointer(2, intOrString()),
})
export type RollingUpdateStatefulSetStrategy = Static<typeof RollingUpdateStatefulSetStrategy>

export const StatefulSetUpdateStrategy = object('io.k8s.api.apps.v1.StatefulSetUpdateStrategy', {
  type: field(1, oneOf('OnDelete', 'RollingUpdate'), { default: 'RollingUpdate' }),
  rollingUpdate: pointer(2, RollingUpdateStatefulSetStrategy),
})
export type StatefulSetUpdateStrategy = Static<typeof StatefulSetUpdateStrategy>

export const StatefulSetPersistentVolumeClaimRetentionPolicy = object(
  'io.k8s.api.apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy',
  {
    whenDeleted: field(1, oneOf('Delete', 'Retain'), { default: 'Retain' }),
    whenScaled: field(2, oneOf('Delete', 'Retain'), { default: 'Retain' }),
  },
)
export type StatefulSetPersistentVolumeClaimRetentionPolicy = Static<
  typeof StatefulSetPersistentVolumeClaimRetentionPolicy
>

export const StatefulSetOrdinals = object('io.k8s.api.apps.v1.StatefulSetOrdinals', {
  start: field(1, int32(), { zero: 'keep' }),
})
export type StatefulSetOrdinals = Static<typeof StatefulSetOrdinals>

export const StatefulSetSpec = object('io.k8s.api.apps.v1.StatefulSetSpec', {
  replicas: pointer(1, int32(), { default: 1 }),
  selector: pointer(2, LabelSelector, { required: true }),
  template: field(3, PodTemplateSpec, { required: true }),
  volumeClaimTemplates: field(4, array(PersistentVolumeClaim.schema)),
  serviceName: field(5, string(), { zero: 'keep' }),
  podManagementPolicy: field(6, oneOf('OrderedReady', 'Parallel'), { default: 'OrderedReady' }),
  updateStrategy: field(7, StatefulSetUpdateStrategy, { default: {} }),
  revisionHistoryLimit: pointer(8, int32(), { default: 10 }),
  minReadySeconds: field(9, int32()),
  persistentVolumeClaimRetentionPolicy: pointer(10, StatefulSetPersistentVolumeClaimRetentionPolicy, { default: {} }),
  ordinals: pointer(11, StatefulSetOrdinals),
})
export type StatefulSetSpec = Static<typeof StatefulSetSpec>

export const StatefulSetCondition = object('io.k8s.api.apps.v1.StatefulSetCondition', {
  type: field(1, string(), { required: true }),
  status: field(2, oneOf('False', 'True', 'Unknown'), { required: true }),
  lastTransitionTime: field(3, time()),
  reason: field(4, string()),
  message: field(5, string()),
})
export type StatefulSetCondition = Static<typeof StatefulSetCondition>

export const StatefulSetStatus = object('io.k8s.api.apps.v1.StatefulSetStatus', {
  observedGeneration: field(1, int64()),
  replicas: field(2, int32(), { required: true }),
  readyReplicas: field(3, int32()),
  currentReplicas: field(4, int32()),
  updatedReplicas: field(5, int32()),
  currentRevision: field(6, string()),
  updateRevision: field(7, string()),
  collisionCount: pointer(9, int32()),
  conditions: field(
    10,
    array(StatefulSetCondition, {
      listType: 'map',
      listMapKeys: ['type'],
      patchStrategy: 'merge',
      patchMergeKey: 'type',
    }),
  ),
  availableReplicas: field(11, int32(), { zero: 'keep' }),
})
export type StatefulSetStatus = Static<typeof StatefulSetStatus>

const statefulSetSchema = kindSchema(
  'io.k8s.api.apps.v1.StatefulSet',
  {
    spec: field(2, StatefulSetSpec, { required: true, default: {} }),
    status: field(3, StatefulSetStatus),
  },
  'Keeps pods with stable names and storage, started and stopped in order.',
)
export type StatefulSet = Static<typeof statefulSetSchema>

export const StatefulSet = defineKind<StatefulSet>({
  group: 'apps',
  version: 'v1',
  kind: 'StatefulSet',
  plural: 'statefulsets',
  shortNames: ['sts'],
  categories: ['all'],
  schema: statefulSetSchema,
  hasStatus: true,
  hasGeneration: true,
  columns: [
    nameColumn(),
    textColumn('Ready', ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec.replicas ?? 0}`),
    ageColumn(),
    ...templateColumns<StatefulSet>(),
  ],
  scale: {
    replicas: (object) => object.spec.replicas ?? 0,
    statusReplicas: (object) => object.status?.replicas ?? 0,
    selector: (object) => formatLabelSelector(object.spec.selector),
  },
  applyDefaults: defaultStatefulSet,
  validate: validateStatefulSet,
})

function defaultStatefulSet({ spec }: StatefulSet): void {
  applyPodSpecDefaults(spec.template.spec)
  const strategy = spec.updateStrategy
  if (strategy?.type === 'RollingUpdate') strategy.rollingUpdate = { partition: 0, ...strategy.rollingUpdate }
  for (const claim of spec.volumeClaimTemplates ?? []) {
    claim.apiVersion = 'v1'
    claim.kind = 'PersistentVolumeClaim'
    claim.status = { ...claim.status, phase: 'Pending' }
  }
}
