import { ageColumn, integerColumn, nameColumn, textColumn } from './columns.ts'
import { applyPodSpecDefaults } from './default-pod-spec.ts'
import { ageOf } from './human-duration.ts'
import { JobSpec } from './job.ts'
import { defineKind } from './kind.ts'
import { kindSchema, TemplateMeta } from './meta-schema.ts'
import { ObjectReference } from './references.ts'
import { array, boolean, field, int32, int64, object, pointer, string, time, type Static } from './schema.ts'
import { validateObjectMeta } from './validate-object-meta.ts'

export const JobTemplateSpec = object('io.k8s.api.batch.v1.JobTemplateSpec', {
  metadata: field(1, TemplateMeta),
  spec: field(2, JobSpec, { required: true, default: {} }),
})
export type JobTemplateSpec = Static<typeof JobTemplateSpec>

export const CronJobSpec = object('io.k8s.api.batch.v1.CronJobSpec', {
  schedule: field(1, string(), { required: true }),
  timeZone: pointer(8, string()),
  startingDeadlineSeconds: pointer(2, int64()),
  concurrencyPolicy: field(3, string()),
  suspend: pointer(4, boolean()),
  jobTemplate: field(5, JobTemplateSpec, { required: true }),
  successfulJobsHistoryLimit: pointer(6, int32()),
  failedJobsHistoryLimit: pointer(7, int32()),
})
export type CronJobSpec = Static<typeof CronJobSpec>

export const CronJobStatus = object('io.k8s.api.batch.v1.CronJobStatus', {
  active: field(1, array(ObjectReference)),
  lastScheduleTime: pointer(4, time()),
  lastSuccessfulTime: pointer(5, time()),
})
export type CronJobStatus = Static<typeof CronJobStatus>

const cronJobSchema = kindSchema(
  'io.k8s.api.batch.v1.CronJob',
  {
    spec: field(2, CronJobSpec, { required: true, default: {} }),
    status: field(3, CronJobStatus),
  },
  'Makes a Job at the times of a schedule.',
)
export type CronJob = Static<typeof cronJobSchema>

export const CronJob = defineKind<CronJob>({
  group: 'batch',
  version: 'v1',
  kind: 'CronJob',
  plural: 'cronjobs',
  shortNames: ['cj'],
  categories: ['all'],
  schema: cronJobSchema,
  hasStatus: true,
  hasGeneration: true,
  columns: [
    nameColumn(),
    textColumn('Schedule', ({ spec }) => spec.schedule),
    textColumn('Timezone', ({ spec }) => spec.timeZone ?? '<none>'),
    textColumn('Suspend', ({ spec }) => (spec.suspend ? 'True' : 'False')),
    integerColumn('Active', ({ status }) => status?.active?.length),
    textColumn('Last Schedule', lastScheduleCell),
    ageColumn(),
  ],
  applyDefaults: ({ spec }) => {
    applyPodSpecDefaults(spec.jobTemplate.spec.template.spec)
    spec.concurrencyPolicy ??= 'Allow'
    spec.suspend ??= false
    spec.successfulJobsHistoryLimit ??= 3
    spec.failedJobsHistoryLimit ??= 1
  },
  validate: (object, { before }) => validateObjectMeta(object.metadata, { namespaced: true, before: before?.metadata }),
})

function lastScheduleCell({ status }: CronJob, nowMs: number): string {
  return status?.lastScheduleTime === undefined ? '<none>' : ageOf(status.lastScheduleTime, nowMs)
}
