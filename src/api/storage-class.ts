import { ageColumn, nameColumn, textColumn } from './columns.ts'
import { defineKind } from './kind.ts'
import { kindSchema } from './meta-schema.ts'
import { array, boolean, field, map, object, pointer, string, type Static } from './schema.ts'
import { validateObjectMeta } from './validate-object-meta.ts'

export const TopologySelectorLabelRequirement = object('io.k8s.api.core.v1.TopologySelectorLabelRequirement', {
  key: field(1, string(), { required: true }),
  values: field(2, array(string()), { required: true }),
})
export type TopologySelectorLabelRequirement = Static<typeof TopologySelectorLabelRequirement>

export const TopologySelectorTerm = object(
  'io.k8s.api.core.v1.TopologySelectorTerm',
  {
    matchLabelExpressions: field(1, array(TopologySelectorLabelRequirement)),
  },
  { mapType: 'atomic' },
)
export type TopologySelectorTerm = Static<typeof TopologySelectorTerm>

const storageClassSchema = kindSchema(
  'io.k8s.api.storage.v1.StorageClass',
  {
    provisioner: field(2, string(), { required: true }),
    parameters: field(3, map(string())),
    reclaimPolicy: pointer(4, string()),
    mountOptions: field(5, array(string())),
    allowVolumeExpansion: pointer(6, boolean()),
    volumeBindingMode: pointer(7, string()),
    allowedTopologies: field(8, array(TopologySelectorTerm)),
  },
  'A kind of storage that can be provisioned.',
)
export type StorageClass = Static<typeof storageClassSchema>

export const StorageClass = defineKind<StorageClass>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'StorageClass',
  plural: 'storageclasses',
  shortNames: ['sc'],
  schema: storageClassSchema,
  namespaced: false,
  deleteReturnsObject: true,
  columns: [
    nameColumn(),
    textColumn('Provisioner', (storageClass) => storageClass.provisioner),
    textColumn('ReclaimPolicy', (storageClass) => storageClass.reclaimPolicy ?? 'Delete'),
    textColumn('VolumeBindingMode', (storageClass) => storageClass.volumeBindingMode ?? 'Immediate'),
    textColumn('AllowVolumeExpansion', (storageClass) => String(storageClass.allowVolumeExpansion ?? false)),
    ageColumn(),
  ],
  applyDefaults: (storageClass) => {
    storageClass.reclaimPolicy ??= 'Delete'
    storageClass.volumeBindingMode ??= 'Immediate'
  },
  validate: (object, { before }) =>
    validateObjectMeta(object.metadata, { namespaced: false, before: before?.metadata }),
})
