import { ageColumn, integerColumn, nameColumn, textColumn, wide } from './columns.ts'
import { applyPodSpecDefaults } from './default-pod-spec.ts'
import { formatLabels } from './parse-selector.ts'
import { defineKind } from './kind.ts'
import { kindSchema } from './meta-schema.ts'
import { PodTemplateSpec } from './pod-template.ts'
import { array, field, int32, int64, map, object, pointer, string, time, type Static } from './schema.ts'
import { validateObjectMeta } from './validate-object-meta.ts'

export const ReplicationControllerSpec = object('io.k8s.api.core.v1.ReplicationControllerSpec', {
  replicas: pointer(1, int32(), { default: 1 }),
  minReadySeconds: field(4, int32()),
  selector: field(2, map(string(), 'atomic')),
  template: pointer(3, PodTemplateSpec),
})
export type ReplicationControllerSpec = Static<typeof ReplicationControllerSpec>

export const ReplicationControllerCondition = object('io.k8s.api.core.v1.ReplicationControllerCondition', {
  type: field(1, string(), { required: true }),
  status: field(2, string(), { required: true }),
  lastTransitionTime: field(3, time()),
  reason: field(4, string()),
  message: field(5, string()),
})
export type ReplicationControllerCondition = Static<typeof ReplicationControllerCondition>

export const ReplicationControllerStatus = object('io.k8s.api.core.v1.ReplicationControllerStatus', {
  replicas: field(1, int32(), { required: true }),
  fullyLabeledReplicas: field(2, int32()),
  readyReplicas: field(4, int32()),
  availableReplicas: field(5, int32()),
  observedGeneration: field(3, int64()),
  conditions: field(
    6,
    array(ReplicationControllerCondition, {
      listType: 'map',
      listMapKeys: ['type'],
      patchStrategy: 'merge',
      patchMergeKey: 'type',
    }),
  ),
})
export type ReplicationControllerStatus = Static<typeof ReplicationControllerStatus>

const replicationControllerSchema = kindSchema(
  'io.k8s.api.core.v1.ReplicationController',
  {
    spec: field(2, ReplicationControllerSpec, { required: true, default: {} }),
    status: field(3, ReplicationControllerStatus),
  },
  'Keeps a number of equal pods running. Superseded by ReplicaSet.',
)
export type ReplicationController = Static<typeof replicationControllerSchema>

export const ReplicationController = defineKind<ReplicationController>({
  group: '',
  version: 'v1',
  kind: 'ReplicationController',
  plural: 'replicationcontrollers',
  shortNames: ['rc'],
  categories: ['all'],
  schema: replicationControllerSchema,
  hasStatus: true,
  hasGeneration: true,
  columns: [
    nameColumn(),
    integerColumn('Desired', ({ spec }) => spec.replicas),
    integerColumn('Current', ({ status }) => status?.replicas),
    integerColumn('Ready', ({ status }) => status?.readyReplicas),
    ageColumn(),
    textColumn('Selector', ({ spec }) => formatLabels(spec.selector) || '<none>', wide),
  ],
  scale: {
    replicas: (object) => object.spec.replicas ?? 0,
    statusReplicas: (object) => object.status?.replicas ?? 0,
    selector: (object) => formatLabels(object.spec.selector),
  },
  selectableFields: { 'status.replicas': ({ status }) => String(status?.replicas ?? 0) },
  applyDefaults: ({ spec }) => {
    if (spec.template) applyPodSpecDefaults(spec.template.spec)
    if (!spec.selector && spec.template?.metadata?.labels) spec.selector = { ...spec.template.metadata.labels }
  },
  validate: (object, { before }) => validateObjectMeta(object.metadata, { namespaced: true, before: before?.metadata }),
})
