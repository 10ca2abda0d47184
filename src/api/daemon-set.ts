import { ageColumn, integerColumn, nameColumn, textColumn } from './columns.ts'
import { applyPodSpecDefaults } from './default-pod-spec.ts'
import { formatLabels } from './parse-selector.ts'
import { templateColumns, selectorColumn } from './workload-columns.ts'
import { defineKind } from './kind.ts'
import { LabelSelector } from './label-selector.ts'
import { kindSchema } from './meta-schema.ts'
import { PodTemplateSpec } from './pod-template.ts'
import { array, field, int32, int64, intOrString, object, oneOf, pointer, string, time, type Static } from './schema.ts'
import { validateDaemonSet } from './validate-workload.ts'

export const RollingUpdateDaemonSet = object('io.k8s.api.apps.v1.RollingUpdateDaemonSet', {
  maxUnavailable: pointer(1, intOrString()),
  maxSurge: pointer(2, intOrString()),
})
export type RollingUpdateDaemonSet = Static<typeof RollingUpdateDaemonSet>

export const DaemonSetUpdateStrategy = object('io.k8s.api.apps.v1.DaemonSetUpdateStrategy', {
  type: field(1, oneOf('OnDelete', 'RollingUpdate'), { default: 'RollingUpdate' }),
  rollingUpdate: pointer(2, RollingUpdateDaemonSet),
})
export type DaemonSetUpdateStrategy = Static<typeof DaemonSetUpdateStrategy>

export const DaemonSetSpec = object('io.k8s.api.apps.v1.DaemonSetSpec', {
  selector: pointer(1, LabelSelector, { required: true }),
  template: field(2, PodTemplateSpec, { required: true }),
  updateStrategy: field(3, DaemonSetUpdateStrategy, { default: {} }),
  minReadySeconds: field(4, int32()),
  revisionHistoryLimit: pointer(6, int32(), { default: 10 }),
})
export type DaemonSetSpec = Static<typeof DaemonSetSpec>

export const DaemonSetCondition = object('io.k8s.api.apps.v1.DaemonSetCondition', {
  type: field(1, string(), { required: true }),
  status: field(2, oneOf('False', 'True', 'Unknown'), { required: true }),
  lastTransitionTime: field(3, time()),
  reason: field(4, string()),
  message: field(5, string()),
})
export type DaemonSetCondition = Static<typeof DaemonSetCondition>

export const DaemonSetStatus = object('io.k8s.api.apps.v1.DaemonSetStatus', {
  currentNumberScheduled: field(1, int32(), { required: true }),
  numberMisscheduled: field(2, int32(), { required: true }),
  desiredNumberScheduled: field(3, int32(), { required: true }),
  numberReady: field(4, int32(), { required: true }),
  observedGeneration: field(5, int64()),
  updatedNumberScheduled: field(6, int32()),
  numberAvailable: field(7, int32()),
  numberUnavailable: field(8, int32()),
  collisionCount: pointer(9, int32()),
  conditions: field(
    10,
    array(DaemonSetCondition, {
      listType: 'map',
      listMapKeys: ['type'],
      patchStrategy: 'merge',
      patchMergeKey: 'type',
    }),
  ),
})
export type DaemonSetStatus = Static<typeof DaemonSetStatus>

const daemonSetSchema = kindSchema(
  'io.k8s.api.apps.v1.DaemonSet',
  {
    spec: field(2, DaemonSetSpec, { required: true, default: {} }),
    status: field(3, DaemonSetStatus),
  },
  'Keeps one pod on every node that matches.',
)
export type DaemonSet = Static<typeof daemonSetSchema>

export const DaemonSet = defineKind<DaemonSet>({
  group: 'apps',
  version: 'v1',
  kind: 'DaemonSet',
  plural: 'daemonsets',
  shortNames: ['ds'],
  categories: ['all'],
  schema: daemonSetSchema,
  hasStatus: true,
  hasGeneration: true,
  columns: [
    nameColumn(),
    integerColumn('Desired', ({ status }) => status?.desiredNumberScheduled),
    integerColumn('Current', ({ status }) => status?.currentNumberScheduled),
    integerColumn('Ready', ({ status }) => status?.numberReady),
    integerColumn('Up-to-date', ({ status }) => status?.updatedNumberScheduled),
    integerColumn('Available', ({ status }) => status?.numberAvailable),
    textColumn('Node Selector', ({ spec }) => formatLabels(spec.template.spec.nodeSelector) || '<none>'),
    ageColumn(),
    ...templateColumns<DaemonSet>(),
    selectorColumn(),
  ],
  applyDefaults: defaultDaemonSet,
  validate: validateDaemonSet,
})

function defaultDaemonSet({ spec }: DaemonSet): void {
  applyPodSpecDefaults(spec.template.spec)
  const strategy = spec.updateStrategy
  if (strategy?.type !== 'RollingUpdate') return
  strategy.rollingUpdate = { maxUnavailable: 1, maxSurge: 0, ...strategy.rollingUpdate }
}
