import { ageColumn, integerColumn, nameColumn } from './columns.ts'
import { defineKind } from './kind.ts'
import { kindSchema } from './meta-schema.ts'
import { LocalObjectReference, ObjectReference } from './references.ts'
import { array, boolean, field, pointer, type Static } from './schema.ts'
import { validateObjectMeta } from './validate-object-meta.ts'

const serviceAccountSchema = kindSchema(
  'io.k8s.api.core.v1.ServiceAccount',
  {
    secrets: field(
      2,
      array(ObjectReference, { listType: 'map', listMapKeys: ['name'], patchStrategy: 'merge', patchMergeKey: 'name' }),
    ),
    imagePullSecrets: field(3, array(LocalObjectReference)),
    automountServiceAccountToken: pointer(4, boolean()),
  },
  'An identity for the processes in pods.',
)
export type ServiceAccount = Static<typeof serviceAccountSchema>

export const ServiceAccount = defineKind<ServiceAccount>({
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  shortNames: ['sa'],
  schema: serviceAccountSchema,
  deleteReturnsObject: true,
  columns: [nameColumn(), integerColumn('Secrets', ({ secrets = [] }) => secrets.length), ageColumn()],
  validate: (object, { before }) => validateObjectMeta(object.metadata, { namespaced: true, before: before?.metadata }),
})
