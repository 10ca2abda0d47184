import { NodeSelector } from './affinity.ts'
import { ageColumn, nameColumn, textColumn, wide } from './columns.ts'
import { defineKind } from './kind.ts'
import { kindSchema } from './meta-schema.ts'
import { ObjectReference, SecretReference } from './references.ts'
import {
  array,
  boolean,
  embedded,
  field,
  map,
  object,
  oneOf,
  pointer,
  quantity,
  string,
  time,
  type Static,
} from './schema.ts'
import { validateObjectMeta } from './validate-object-meta.ts'
import { HostPathVolumeSource, NFSVolumeSource } from './volume.ts'

export const LocalVolumeSource = object('io.k8s.api.core.v1.LocalVolumeSource', {
  path: field(1, string(), { required: true }),
  fsType: pointer(2, string()),
})
export type LocalVolumeSource = Static<typeof LocalVolumeSource>

export const CSIPersistentVolumeSource = object('io.k8s.api.core.v1.CSIPersistentVolumeSource', {
  driver: field(1, string(), { required: true }),
  volumeHandle: field(2, string(), { required: true }),
  readOnly: field(3, boolean()),
  fsType: field(4, string()),
  volumeAttributes: field(5, map(string())),
  controllerPublishSecretRef: pointer(6, SecretReference),
  nodeStageSecretRef: pointer(7, SecretReference),
  nodePublishSecretRef: pointer(8, SecretReference),
  controllerExpandSecretRef: pointer(9, SecretReference),
  nodeExpandSecretRef: pointer(10, SecretReference),
})
export type CSIPersistentVolumeSource = Static<typeof CSIPersistentVolumeSource>

export const PersistentVolumeSource = object('io.k8s.api.core.v1.PersistentVolumeSource', {
  hostPath: pointer(3, HostPathVolumeSource),
  nfs: pointer(5, NFSVolumeSource),
  local: pointer(20, LocalVolumeSource),
  csi: pointer(22, CSIPersistentVolumeSource),
})
export type PersistentVolumeSource = Static<typeof PersistentVolumeSource>

export const VolumeNodeAffinity = object('io.k8s.api.core.v1.VolumeNodeAffinity', {
  required: pointer(1, NodeSelector),
})
export type VolumeNodeAffinity = Static<typeof VolumeNodeAffinity>

export const PersistentVolumeSpec = object('io.k8s.api.core.v1.PersistentVolumeSpec', {
  capacity: field(1, map(quantity())),
  ...embedded(2, PersistentVolumeSource),
  accessModes: field(3, array(string())),
  claimRef: pointer(4, ObjectReference),
  persistentVolumeReclaimPolicy: field(5, string(), { default: 'Retain' }),
  storageClassName: field(6, string()),
  mountOptions: field(7, array(string())),
  volumeMode: pointer(8, oneOf('Block', 'Filesystem'), { default: 'Filesystem' }),
  nodeAffinity: pointer(9, VolumeNodeAffinity),
  volumeAttributesClassName: pointer(10, string()),
})
export type PersistentVolumeSpec = Static<typeof PersistentVolumeSpec>

export const PersistentVolumeStatus = object('io.k8s.api.core.v1.PersistentVolumeStatus', {
  phase: field(1, string()),
  message: field(2, string()),
  reason: field(3, string()),
  lastPhaseTransitionTime: pointer(4, time()),
})
export type PersistentVolumeStatus = Static<typeof PersistentVolumeStatus>

const persistentVolumeSchema = kindSchema(
  'io.k8s.api.core.v1.PersistentVolume',
  {
    spec: field(2, PersistentVolumeSpec, { required: true, default: {} }),
    status: field(3, PersistentVolumeStatus),
  },
  'A piece of storage of the cluster.',
)
export type PersistentVolume = Static<typeof persistentVolumeSchema>

export const PersistentVolume = defineKind<PersistentVolume>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolume',
  plural: 'persistentvolumes',
  shortNames: ['pv'],
  schema: persistentVolumeSchema,
  namespaced: false,
  hasStatus: true,
  deleteReturnsObject: true,
  columns: [
    nameColumn(),
    textColumn('Capacity', ({ spec }) => spec.capacity?.['storage'] ?? ''),
    textColumn('Access Modes', ({ spec }) => (spec.accessModes ?? []).map(shortAccessMode).join(',')),
    textColumn('Reclaim Policy', ({ spec }) => spec.persistentVolumeReclaimPolicy ?? ''),
    textColumn('Status', ({ status }) => status?.phase ?? ''),
    textColumn('Claim', ({ spec: { claimRef } }) => (claimRef ? `${claimRef.namespace}/${claimRef.name}` : '')),
    textColumn('StorageClass', ({ spec }) => spec.storageClassName ?? ''),
    textColumn('VolumeAttributesClass', ({ spec }) => spec.volumeAttributesClassName || '<unset>'),
    textColumn('Reason', ({ status }) => status?.reason ?? ''),
    ageColumn(),
    textColumn('VolumeMode', ({ spec }) => spec.volumeMode ?? '<unset>', wide),
  ],
  prepare: (volume, before) => {
    if (before === undefined) volume.status = { phase: 'Pending' }
  },
  validate: (object, { before }) =>
    validateObjectMeta(object.metadata, { namespaced: false, before: before?.metadata }),
})

const accessModes: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
}

export function shortAccessMode(mode: string): string {
  return accessModes[mode] ?? mode
}
