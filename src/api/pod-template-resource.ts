import { ageColumn, nameColumn } from './columns.ts'
import { defineKind } from './kind.ts'
import { kindSchema } from './meta-schema.ts'
import { PodTemplateSpec } from './pod-template.ts'
import { field, type Static } from './schema.ts'
import { validateObjectMeta } from './validate-object-meta.ts'

const podTemplateSchema = kindSchema('io.k8s.api.core.v1.PodTemplate', {
  template: field(2, PodTemplateSpec),
})
export type PodTemplate = Static<typeof podTemplateSchema>

export const PodTemplate = defineKind<PodTemplate>({
  group: '',
  version: 'v1',
  kind: 'PodTemplate',
  plural: 'podtemplates',
  schema: podTemplateSchema,
  deleteReturnsObject: true,
  columns: [nameColumn(), ageColumn()],
  validate: (object, { before }) => validateObjectMeta(object.metadata, { namespaced: true, before: before?.metadata }),
})
