import { ageColumn, integerColumn, nameColumn, textColumn } from './columns.ts'
import { defineKind } from './kind.ts'
import { kindSchema } from './meta-schema.ts'
import { boolean, field, int32, pointer, string, type Static } from './schema.ts'
import { validateObjectMeta } from './validate-object-meta.ts'

const priorityClassSchema = kindSchema(
  'io.k8s.api.scheduling.v1.PriorityClass',
  {
    value: field(2, int32(), { zero: 'keep' }),
    globalDefault: field(3, boolean()),
    description: field(4, string()),
    preemptionPolicy: pointer(5, string()),
  },
  'A name for how important a pod is.',
)
export type PriorityClass = Static<typeof priorityClassSchema>

export const PriorityClass = defineKind<PriorityClass>({
  group: 'scheduling.k8s.io',
  version: 'v1',
  kind: 'PriorityClass',
  plural: 'priorityclasses',
  shortNames: ['pc'],
  schema: priorityClassSchema,
  namespaced: false,
  columns: [
    nameColumn(),
    integerColumn('Value', (priorityClass) => priorityClass.value),
    { name: 'Global-Default', type: 'boolean', cell: (priorityClass) => priorityClass.globalDefault ?? false },
    ageColumn(),
    textColumn('PreemptionPolicy', (priorityClass) => priorityClass.preemptionPolicy ?? ''),
  ],
  applyDefaults: (priorityClass) => {
    priorityClass.preemptionPolicy ??= 'PreemptLowerPriority'
  },
  validate: (object, { before }) =>
    validateObjectMeta(object.metadata, { namespaced: false, before: before?.metadata }),
})
