import { ageColumn, nameColumn } from './columns.ts'
import { defineKind } from './kind.ts'
import { kindSchema } from './meta-schema.ts'
import { array, field, map, object, quantity, string, type Static } from './schema.ts'
import { validateObjectMeta } from './validate-object-meta.ts'

export const LimitRangeItem = object('io.k8s.api.core.v1.LimitRangeItem', {
  type: field(1, string(), { required: true }),
  max: field(2, map(quantity())),
  min: field(3, map(quantity())),
  default: field(4, map(quantity())),
  defaultRequest: field(5, map(quantity())),
  maxLimitRequestRatio: field(6, map(quantity())),
})
export type LimitRangeItem = Static<typeof LimitRangeItem>

export const LimitRangeSpec = object('io.k8s.api.core.v1.LimitRangeSpec', {
  limits: field(1, array(LimitRangeItem), { required: true }),
})
export type LimitRangeSpec = Static<typeof LimitRangeSpec>

const limitRangeSchema = kindSchema(
  'io.k8s.api.core.v1.LimitRange',
  {
    spec: field(2, LimitRangeSpec, { required: true, default: {} }),
  },
  'Limits and defaults of resources for the pods of a namespace.',
)
export type LimitRange = Static<typeof limitRangeSchema>

export const LimitRange = defineKind<LimitRange>({
  group: '',
  version: 'v1',
  kind: 'LimitRange',
  plural: 'limitranges',
  shortNames: ['limits'],
  schema: limitRangeSchema,
  columns: [nameColumn(), ageColumn()],
  validate: (object, { before }) => validateObjectMeta(object.metadata, { namespaced: true, before: before?.metadata }),
})
