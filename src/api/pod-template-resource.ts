import { joined, nameColumn, textColumn } from './columns.ts'
import { applyPodSpecDefaults } from './default-pod-spec.ts'
import { formatLabels } from './parse-selector.ts'
import { defineKind } from './kind.ts'
import { kindSchema } from './meta-schema.ts'
import { PodTemplateSpec } from './pod-template.ts'
import { field, type Static } from './schema.ts'
import { validateObjectMeta } from './validate-object-meta.ts'

const podTemplateSchema = kindSchema(
  'io.k8s.api.core.v1.PodTemplate',
  {
    template: field(2, PodTemplateSpec),
  },
  'A template of a pod, stored on its own.',
)
export type PodTemplate = Static<typeof podTemplateSchema>

export const PodTemplate = defineKind<PodTemplate>({
  group: '',
  version: 'v1',
  kind: 'PodTemplate',
  plural: 'podtemplates',
  schema: podTemplateSchema,
  deleteReturnsObject: true,
  columns: [
    nameColumn(),
    textColumn('Containers', ({ template }) =>
      joined((template?.spec.containers ?? []).map((container) => container.name)),
    ),
    textColumn('Images', ({ template }) =>
      joined((template?.spec.containers ?? []).map((container) => container.image ?? '')),
    ),
    textColumn('Pod Labels', ({ template }) => formatLabels(template?.metadata?.labels) || '<none>'),
  ],
  applyDefaults: ({ template }) => {
    if (template) applyPodSpecDefaults(template.spec)
  },
  validate: (object, { before }) => validateObjectMeta(object.metadata, { namespaced: true, before: before?.metadata }),
})
