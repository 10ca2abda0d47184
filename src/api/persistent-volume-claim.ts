import { ageColumn, nameColumn, textColumn, wide } from './columns.ts'
import { shortAccessMode } from './persistent-volume.ts'
import { defineKind } from './kind.ts'
import { kindSchema } from './meta-schema.ts'
import { PersistentVolumeClaimSpec } from './persistent-volume-claim-template.ts'
import { array, field, map, object, pointer, quantity, string, time, type Static } from './schema.ts'
import { validateObjectMeta } from './validate-object-meta.ts'

export const ModifyVolumeStatus = object('io.k8s.api.core.v1.ModifyVolumeStatus', {
  targetVolumeAttributesClassName: field(1, string()),
  status: field(2, string(), { required: true }),
})
export type ModifyVolumeStatus = Static<typeof ModifyVolumeStatus>

export const PersistentVolumeClaimCondition = object('io.k8s.api.core.v1.PersistentVolumeClaimCondition', {
  type: field(1, string(), { required: true }),
  status: field(2, string(), { required: true }),
  lastProbeTime: field(3, time()),
  lastTransitionTime: field(4, time()),
  reason: field(5, string()),
  message: field(6, string()),
})
export type PersistentVolumeClaimCondition = Static<typeof PersistentVolumeClaimCondition>

export const PersistentVolumeClaimStatus = object('io.k8s.api.core.v1.PersistentVolumeClaimStatus', {
  phase: field(1, string()),
  accessModes: field(2, array(string())),
  capacity: field(3, map(quantity())),
  conditions: field(
    4,
    array(PersistentVolumeClaimCondition, {
      listType: 'map',
      listMapKeys: ['type'],
      patchStrategy: 'merge',
      patchMergeKey: 'type',
    }),
  ),
  allocatedResources: field(5, map(quantity())),
  allocatedResourceStatuses: field(7, map(string())),
  currentVolumeAttributesClassName: pointer(8, string()),
  modifyVolumeStatus: pointer(9, ModifyVolumeStatus),
})
export type PersistentVolumeClaimStatus = Static<typeof PersistentVolumeClaimStatus>

const persistentVolumeClaimSchema = kindSchema(
  'io.k8s.api.core.v1.PersistentVolumeClaim',
  {
    spec: field(2, PersistentVolumeClaimSpec, { required: true, default: {} }),
    status: field(3, PersistentVolumeClaimStatus),
  },
  'Asks for storage on behalf of a pod.',
)
export type PersistentVolumeClaim = Static<typeof persistentVolumeClaimSchema>

export const PersistentVolumeClaim = defineKind<PersistentVolumeClaim>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolumeClaim',
  plural: 'persistentvolumeclaims',
  shortNames: ['pvc'],
  schema: persistentVolumeClaimSchema,
  hasStatus: true,
  deleteReturnsObject: true,
  columns: [
    nameColumn(),
    textColumn('Status', ({ status }) => status?.phase ?? ''),
    textColumn('Volume', ({ spec }) => spec.volumeName ?? ''),
    textColumn('Capacity', ({ status }) => status?.capacity?.['storage'] ?? ''),
    textColumn('Access Modes', ({ status }) => (status?.accessModes ?? []).map(shortAccessMode).join(',')),
    textColumn('StorageClass', ({ spec }) => spec.storageClassName ?? ''),
    textColumn('VolumeAttributesClass', ({ spec }) => spec.volumeAttributesClassName || '<unset>'),
    ageColumn(),
    textColumn('VolumeMode', ({ spec }) => spec.volumeMode ?? '<unset>', wide),
  ],
  prepare: (claim, before) => {
    if (before === undefined) claim.status = { phase: 'Pending' }
  },
  validate: (object, { before }) => validateObjectMeta(object.metadata, { namespaced: true, before: before?.metadata }),
})
