import { immutable, nonNegative, requiredValue } from './findings.ts'
import { ageColumn, integerColumn, nameColumn, textColumn } from './columns.ts'
import { defineKind, type Finding, type ValidationContext } from './kind.ts'
import { kindSchema } from './meta-schema.ts'
import { field, int64, raw, type Static } from './schema.ts'
import { validateObjectMeta } from './validate-object-meta.ts'

const controllerRevisionSchema = kindSchema(
  'io.k8s.api.apps.v1.ControllerRevision',
  {
    data: field(2, raw()),
    revision: field(3, int64(), { required: true }),
  },
  'An immutable snapshot of a template, kept so that a rollout can be undone.',
)
export type ControllerRevision = Static<typeof controllerRevisionSchema>

export const ControllerRevision = defineKind<ControllerRevision>({
  group: 'apps',
  version: 'v1',
  kind: 'ControllerRevision',
  plural: 'controllerrevisions',
  schema: controllerRevisionSchema,
  columns: [
    nameColumn(),
    textColumn('Controller', controllerCell),
    integerColumn('Revision', ({ revision }) => revision),
    ageColumn(),
  ],
  validate: validateControllerRevision,
})

function controllerCell({ metadata }: ControllerRevision): string {
  const owner = metadata.ownerReferences?.find((reference) => reference.controller)
  if (owner === undefined) return '<none>'
  const group = owner.apiVersion.includes('/') ? `.${owner.apiVersion.split('/')[0]}` : ''
  return `${owner.kind.toLowerCase()}${group}/${owner.name}`
}

function validateControllerRevision(
  object: ControllerRevision,
  { before }: ValidationContext<ControllerRevision>,
): Finding[] {
  return [
    ...validateObjectMeta(object.metadata, { namespaced: true, before: before?.metadata }),
    ...nonNegative('revision', object.revision),
    ...(object.data === undefined ? [requiredValue('data', 'data is mandatory')] : []),
    ...(before === undefined ? [] : immutable('data', object.data, before.data)),
  ]
}
