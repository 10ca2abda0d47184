import { ageColumn, nameColumn } from './columns.ts'
import { defineKind } from './kind.ts'
import { kindSchema } from './meta-schema.ts'
import { boolean, bytes, field, map, pointer, string, type Static } from './schema.ts'
import { validateObjectMeta } from './validate-object-meta.ts'

const secretSchema = kindSchema('io.k8s.api.core.v1.Secret', {
  immutable: pointer(5, boolean()),
  data: field(2, map(bytes())),
  stringData: field(4, map(string())),
  type: field(3, string(), { default: 'Opaque' }),
})
export type Secret = Static<typeof secretSchema>

export const Secret = defineKind<Secret>({
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  schema: secretSchema,
  columns: [nameColumn(), ageColumn()],
  validate: (object, { before }) => validateObjectMeta(object.metadata, { namespaced: true, before: before?.metadata }),
})
