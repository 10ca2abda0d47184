import { LabelSelector } from './label-selector.ts'
import { TemplateMeta } from './meta-schema.ts'
import { TypedLocalObjectReference, TypedObjectReference } from './references.ts'
import { VolumeResourceRequirements } from './resources.ts'
import { array, field, object, oneOf, pointer, string, type Static } from './schema.ts'

export const PersistentVolumeClaimSpec = object('io.k8s.api.core.v1.PersistentVolumeClaimSpec', {
  accessModes: field(1, array(string())),
  selector: pointer(4, LabelSelector),
  resources: field(2, VolumeResourceRequirements),
  volumeName: field(3, string()),
  storageClassName: pointer(5, string()),
  volumeMode: pointer(6, oneOf('Block', 'Filesystem'), { default: 'Filesystem' }),
  dataSource: pointer(7, TypedLocalObjectReference),
  dataSourceRef: pointer(8, TypedObjectReference),
  volumeAttributesClassName: pointer(9, string()),
})
export type PersistentVolumeClaimSpec = Static<typeof PersistentVolumeClaimSpec>

export const PersistentVolumeClaimTemplate = object('io.k8s.api.core.v1.PersistentVolumeClaimTemplate', {
  metadata: field(1, TemplateMeta),
  spec: field(2, PersistentVolumeClaimSpec, { required: true }),
})
export type PersistentVolumeClaimTemplate = Static<typeof PersistentVolumeClaimTemplate>
