import { ageColumn, nameColumn, textColumn } from './columns.ts'
import { applyPodSpecDefaults } from './default-pod-spec.ts'
import { humanDuration } from './human-duration.ts'
import { templateColumns, selectorColumn } from './workload-columns.ts'
import { defineKind } from './kind.ts'
import { LabelSelector } from './label-selector.ts'
import { kindSchema } from './meta-schema.ts'
import { PodTemplateSpec } from './pod-template.ts'
import { array, boolean, field, int32, int64, object, pointer, string, time, type Static } from './schema.ts'
import { validateObjectMeta } from './validate-object-meta.ts'

export const PodFailurePolicyOnExitCodesRequirement = object(
  'io.k8s.api.batch.v1.PodFailurePolicyOnExitCodesRequirement',
  {
    containerName: pointer(1, string()),
    operator: field(2, string(), { required: true }),
    values: field(3, array(int32()), { required: true }),
  },
)
export type PodFailurePolicyOnExitCodesRequirement = Static<typeof PodFailurePolicyOnExitCodesRequirement>

export const PodFailurePolicyOnPodConditionsPattern = object(
  'io.k8s.api.batch.v1.PodFailurePolicyOnPodConditionsPattern',
  {
    type: field(1, string(), { required: true }),
    status: field(2, string(), { zero: 'keep' }),
  },
)
export type PodFailurePolicyOnPodConditionsPattern = Static<typeof PodFailurePolicyOnPodConditionsPattern>

export const PodFailurePolicyRule = object('io.k8s.api.batch.v1.PodFailurePolicyRule', {
  action: field(1, string(), { required: true }),
  onExitCodes: pointer(2, PodFailurePolicyOnExitCodesRequirement),
  onPodConditions: field(3, array(PodFailurePolicyOnPodConditionsPattern)),
})
export type PodFailurePolicyRule = Static<typeof PodFailurePolicyRule>

export const PodFailurePolicy = object('io.k8s.api.batch.v1.PodFailurePolicy', {
  rules: field(1, array(PodFailurePolicyRule), { required: true }),
})
export type PodFailurePolicy = Static<typeof PodFailurePolicy>

export const SuccessPolicyRule = object('io.k8s.api.batch.v1.SuccessPolicyRule', {
  succeededIndexes: pointer(1, string()),
  succeededCount: pointer(2, int32()),
})
export type SuccessPolicyRule = Static<typeof SuccessPolicyRule>

export const SuccessPolicy = object('io.k8s.api.batch.v1.SuccessPolicy', {
  rules: field(1, array(SuccessPolicyRule), { required: true }),
})
export type SuccessPolicy = Static<typeof SuccessPolicy>

export const JobSpec = object('io.k8s.api.batch.v1.JobSpec', {
  parallelism: pointer(1, int32()),
  completions: pointer(2, int32()),
  activeDeadlineSeconds: pointer(3, int64()),
  podFailurePolicy: pointer(11, PodFailurePolicy),
  successPolicy: pointer(16, SuccessPolicy),
  backoffLimit: pointer(7, int32()),
  backoffLimitPerIndex: pointer(12, int32()),
  maxFailedIndexes: pointer(13, int32()),
  selector: pointer(4, LabelSelector),
  manualSelector: pointer(5, boolean()),
  template: field(6, PodTemplateSpec, { required: true }),
  ttlSecondsAfterFinished: pointer(8, int32()),
  completionMode: pointer(9, string()),
  suspend: pointer(10, boolean()),
  podReplacementPolicy: pointer(14, string()),
  managedBy: pointer(15, string()),
})
export type JobSpec = Static<typeof JobSpec>

export const JobCondition = object('io.k8s.api.batch.v1.JobCondition', {
  type: field(1, string(), { required: true }),
  status: field(2, string(), { required: true }),
  lastProbeTime: field(3, time()),
  lastTransitionTime: field(4, time()),
  reason: field(5, string()),
  message: field(6, string()),
})
export type JobCondition = Static<typeof JobCondition>

export const UncountedTerminatedPods = object('io.k8s.api.batch.v1.UncountedTerminatedPods', {
  succeeded: field(1, array(string())),
  failed: field(2, array(string())),
})
export type UncountedTerminatedPods = Static<typeof UncountedTerminatedPods>

export const JobStatus = object('io.k8s.api.batch.v1.JobStatus', {
  conditions: field(
    1,
    array(JobCondition, { listType: 'map', listMapKeys: ['type'], patchStrategy: 'merge', patchMergeKey: 'type' }),
  ),
  startTime: pointer(2, time()),
  completionTime: pointer(3, time()),
  active: field(4, int32()),
  succeeded: field(5, int32()),
  failed: field(6, int32()),
  terminating: pointer(11, int32()),
  completedIndexes: field(7, string()),
  failedIndexes: pointer(10, string()),
  uncountedTerminatedPods: pointer(8, UncountedTerminatedPods),
  ready: pointer(9, int32()),
})
export type JobStatus = Static<typeof JobStatus>

const jobSchema = kindSchema(
  'io.k8s.api.batch.v1.Job',
  {
    spec: field(2, JobSpec, { required: true, default: {} }),
    status: field(3, JobStatus),
  },
  'Runs pods until a number of them have completed.',
)
export type Job = Static<typeof jobSchema>

export const Job = defineKind<Job>({
  group: 'batch',
  version: 'v1',
  kind: 'Job',
  plural: 'jobs',
  categories: ['all'],
  schema: jobSchema,
  hasStatus: true,
  hasGeneration: true,
  columns: [
    nameColumn(),
    textColumn('Status', statusCell),
    textColumn('Completions', ({ spec, status }) => `${status?.succeeded ?? 0}/${spec.completions ?? 1}`),
    textColumn('Duration', durationCell),
    ageColumn(),
    ...templateColumns<Job>(),
    selectorColumn(),
  ],
  selectableFields: { 'status.successful': ({ status }) => String(status?.succeeded ?? 0) },
  applyDefaults: defaultJob,
  validate: (object, { before }) => validateObjectMeta(object.metadata, { namespaced: true, before: before?.metadata }),
})

function defaultJob({ spec }: Job): void {
  applyPodSpecDefaults(spec.template.spec)
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1
  spec.parallelism ??= 1
  spec.backoffLimit ??= 6
  spec.completionMode ??= 'NonIndexed'
  spec.suspend ??= false
  spec.podReplacementPolicy ??= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed'
}

function statusCell({ status, metadata }: Job): string {
  const holds = (type: string) =>
    status?.conditions?.some((condition) => condition.type === type && condition.status === 'True')
  const told = ['Complete', 'Failed'].find(holds)
  if (told !== undefined) return told
  if (metadata.deletionTimestamp !== undefined) return 'Terminating'
  return holds('Suspended') ? 'Suspended' : holds('FailureTarget') ? 'FailureTarget' : 'Running'
}

function durationCell({ status }: Job, nowMs: number): string {
  if (status?.startTime === undefined) return ''
  const endMs = status.completionTime === undefined ? nowMs : Date.parse(status.completionTime)
  return humanDuration(endMs - Date.parse(status.startTime))
}
