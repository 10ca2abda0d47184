import { ageColumn, nameColumn } from './columns.ts'
import { defineKind } from './kind.ts'
import { kindSchema } from './meta-schema.ts'
import { PodSpec } from './pod-spec.ts'
import { PodStatus } from './pod-status.ts'
import { field, type Static } from './schema.ts'
import { validateObjectMeta } from './validate-object-meta.ts'

const podSchema = kindSchema('io.k8s.api.core.v1.Pod', {
  spec: field(2, PodSpec, { required: true, default: {} }),
  status: field(3, PodStatus),
})
export type Pod = Static<typeof podSchema>

export const Pod = defineKind<Pod>({
  group: '',
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  shortNames: ['po'],
  categories: ['all'],
  schema: podSchema,
  hasStatus: true,
  hasGeneration: true,
  deleteReturnsObject: true,
  columns: [nameColumn(), ageColumn()],
  validate: (object, { before }) => validateObjectMeta(object.metadata, { namespaced: true, before: before?.metadata }),
})
