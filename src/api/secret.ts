import { ageColumn, integerColumn, nameColumn, textColumn } from './columns.ts'
import { defineKind } from './kind.ts'
import { kindSchema } from './meta-schema.ts'
import { boolean, bytes, field, map, pointer, string, type Static } from './schema.ts'
import { validateSecret } from './validate-config.ts'

const secretSchema = kindSchema(
  'io.k8s.api.core.v1.Secret',
  {
    immutable: pointer(5, boolean()),
    data: field(2, map(bytes())),
    stringData: field(4, map(string())),
    type: field(3, string(), { default: 'Opaque' }),
  },
  'Confidential data that pods read as files or environment variables.',
)
export type Secret = Static<typeof secretSchema>

export const Secret = defineKind<Secret>({
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  schema: secretSchema,
  columns: [
    nameColumn(),
    textColumn('Type', (secret) => secret.type ?? 'Opaque'),
    integerColumn('Data', ({ data = {} }) => Object.keys(data).length),
    ageColumn(),
  ],
  selectableFields: { type: (secret) => secret.type ?? '' },
  applyDefaults: mergeStringData,
  validate: validateSecret,
})

/** `stringData` is a convenience for writing only. */
function mergeStringData(secret: Secret): void {
  const entries = Object.entries(secret.stringData ?? {})
  delete secret.stringData
  if (entries.length === 0) return
  const encoded = entries.map(([key, text]) => [key, Buffer.from(text).toString('base64')] as const)
  secret.data = { ...secret.data, ...Object.fromEntries(encoded) }
}
