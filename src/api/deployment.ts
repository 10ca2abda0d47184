import { ageColumn, integerColumn, nameColumn, textColumn } from './columns.ts'
import { applyPodSpecDefaults } from './default-pod-spec.ts'
import { formatLabelSelector } from './parse-selector.ts'
import { templateColumns, selectorColumn } from './workload-columns.ts'
import { defineKind } from './kind.ts'
import { LabelSelector } from './label-selector.ts'
import { kindSchema } from './meta-schema.ts'
import { PodTemplateSpec } from './pod-template.ts'
import {
  array,
  boolean,
  field,
  int32,
  int64,
  intOrString,
  object,
  oneOf,
  pointer,
  string,
  time,
  type Static,
} from './schema.ts'
import { validateDeployment } from './validate-workload.ts'

export const RollingUpdateDeployment = object('io.k8s.api.apps.v1.RollingUpdateDeployment', {
  maxUnavailable: pointer(1, intOrString()),
  maxSurge: pointer(2, intOrString()),
})
export type RollingUpdateDeployment = Static<typeof RollingUpdateDeployment>

export const DeploymentStrategy = object('io.k8s.api.apps.v1.DeploymentStrategy', {
  type: field(1, oneOf('Recreate', 'RollingUpdate'), { default: 'RollingUpdate' }),
  rollingUpdate: pointer(2, RollingUpdateDeployment),
})
export type DeploymentStrategy = Static<typeof DeploymentStrategy>

export const DeploymentSpec = object('io.k8s.api.apps.v1.DeploymentSpec', {
  replicas: pointer(1, int32(), { default: 1, description: 'How many pods are wanted.' }),
  selector: pointer(2, LabelSelector, { required: true, description: 'Labels of the pods; cannot be changed.' }),
  template: field(3, PodTemplateSpec, { required: true, description: 'What the pods look like.' }),
  strategy: field(4, DeploymentStrategy, {
    default: {},
    patchStrategy: 'retainKeys',
    description: 'How old pods are replaced by new ones.',
  }),
  minReadySeconds: field(5, int32(), { description: 'How long a pod must be ready to count as available.' }),
  revisionHistoryLimit: pointer(6, int32(), {
    default: 10,
    description: 'How many old ReplicaSets are kept for undoing.',
  }),
  paused: field(7, boolean(), { description: 'Whether changes of the template wait.' }),
  progressDeadlineSeconds: pointer(9, int32(), {
    default: 600,
    description: 'After how long without progress a rollout counts as failed.',
  }),
})
export type DeploymentSpec = Static<typeof DeploymentSpec>

export const DeploymentCondition = object('io.k8s.api.apps.v1.DeploymentCondition', {
  type: field(1, string(), { required: true }),
  status: field(2, oneOf('False', 'True', 'Unknown'), { required: true }),
  lastUpdateTime: field(6, time()),
  lastTransitionTime: field(7, time()),
  reason: field(4, string()),
  message: field(5, string()),
})
export type DeploymentCondition = Static<typeof DeploymentCondition>

export const DeploymentStatus = object('io.k8s.api.apps.v1.DeploymentStatus', {
  observedGeneration: field(1, int64()),
  replicas: field(2, int32()),
  updatedReplicas: field(3, int32()),
  readyReplicas: field(7, int32()),
  availableReplicas: field(4, int32()),
  unavailableReplicas: field(5, int32()),
  conditions: field(
    6,
    array(DeploymentCondition, {
      listType: 'map',
      listMapKeys: ['type'],
      patchStrategy: 'merge',
      patchMergeKey: 'type',
    }),
  ),
  collisionCount: pointer(8, int32()),
  terminatingReplicas: pointer(9, int32()),
})
export type DeploymentStatus = Static<typeof DeploymentStatus>

const deploymentSchema = kindSchema(
  'io.k8s.api.apps.v1.Deployment',
  {
    spec: field(2, DeploymentSpec, { required: true, default: {} }),
    status: field(3, DeploymentStatus),
  },
  'Keeps a number of equal pods running and replaces them step by step when their template changes.',
)
export type Deployment = Static<typeof deploymentSchema>

export const Deployment = defineKind<Deployment>({
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  shortNames: ['deploy'],
  categories: ['all'],
  schema: deploymentSchema,
  hasStatus: true,
  hasGeneration: true,
  columns: [
    nameColumn(),
    textColumn('Ready', ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec.replicas ?? 0}`),
    integerColumn('Up-to-date', ({ status }) => status?.updatedReplicas),
    integerColumn('Available', ({ status }) => status?.availableReplicas),
    ageColumn(),
    ...templateColumns<Deployment>(),
    selectorColumn(),
  ],
  scale: {
    replicas: (object) => object.spec.replicas ?? 0,
    statusReplicas: (object) => object.status?.replicas ?? 0,
    selector: (object) => formatLabelSelector(object.spec.selector),
  },
  applyDefaults: defaultStrategy,
  validate: validateDeployment,
})

function defaultStrategy({ spec }: Deployment): void {
  applyPodSpecDefaults(spec.template.spec)
  const strategy = spec.strategy
  if (strategy?.type !== 'RollingUpdate') return
  strategy.rollingUpdate = { maxUnavailable: '25%', maxSurge: '25%', ...strategy.rollingUpdate }
}
