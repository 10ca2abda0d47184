import { ageColumn, integerColumn, nameColumn } from './columns.ts'
import { defineKind } from './kind.ts'
import { kindSchema } from './meta-schema.ts'
import { boolean, bytes, field, map, pointer, string, type Static } from './schema.ts'
import { validateConfigMap } from './validate-config.ts'

const configMapSchema = kindSchema(
  'io.k8s.api.core.v1.ConfigMap',
  {
    immutable: pointer(4, boolean()),
    data: field(2, map(string())),
    binaryData: field(3, map(bytes())),
  },
  'Configuration data that pods read as files or environment variables.',
)
export type ConfigMap = Static<typeof configMapSchema>

export const ConfigMap = defineKind<ConfigMap>({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  shortNames: ['cm'],
  schema: configMapSchema,
  columns: [
    nameColumn(),
    integerColumn(
      'Data',
      ({ data = {}, binaryData = {} }) => Object.keys(data).length + Object.keys(binaryData).length,
    ),
    ageColumn(),
  ],
  validate: validateConfigMap,
})
