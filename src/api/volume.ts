import { ObjectFieldSelector, ResourceFieldSelector } from './env.ts'
import { LabelSelector } from './label-selector.ts'
import { PersistentVolumeClaimTemplate } from './persistent-volume-claim-template.ts'
import { LocalObjectReference } from './references.ts'
import {
  array,
  boolean,
  embedded,
  field,
  int32,
  int64,
  map,
  object,
  oneOf,
  pointer,
  quantity,
  string,
  type Static,
} from './schema.ts'

export const KeyToPath = object('io.k8s.api.core.v1.KeyToPath', {
  key: field(1, string(), { required: true }),
  path: field(2, string(), { required: true }),
  mode: pointer(3, int32()),
})
export type KeyToPath = Static<typeof KeyToPath>

export const HostPathVolumeSource = object('io.k8s.api.core.v1.HostPathVolumeSource', {
  path: field(1, string(), { required: true }),
  type: pointer(2, string(), { default: '' }),
})
export type HostPathVolumeSource = Static<typeof HostPathVolumeSource>

export const EmptyDirVolumeSource = object('io.k8s.api.core.v1.EmptyDirVolumeSource', {
  medium: field(1, string()),
  sizeLimit: pointer(2, quantity()),
})
export type EmptyDirVolumeSource = Static<typeof EmptyDirVolumeSource>

export const ConfigMapVolumeSource = object('io.k8s.api.core.v1.ConfigMapVolumeSource', {
  ...embedded(1, LocalObjectReference),
  items: field(2, array(KeyToPath)),
  defaultMode: pointer(3, int32(), { default: 0o644 }),
  optional: pointer(4, boolean()),
})
export type ConfigMapVolumeSource = Static<typeof ConfigMapVolumeSource>

export const SecretVolumeSource = object('io.k8s.api.core.v1.SecretVolumeSource', {
  secretName: field(1, string()),
  items: field(2, array(KeyToPath)),
  defaultMode: pointer(3, int32(), { default: 0o644 }),
  optional: pointer(4, boolean()),
})
export type SecretVolumeSource = Static<typeof SecretVolumeSource>

export const DownwardAPIVolumeFile = object('io.k8s.api.core.v1.DownwardAPIVolumeFile', {
  path: field(1, string(), { required: true }),
  fieldRef: pointer(2, ObjectFieldSelector),
  resourceFieldRef: pointer(3, ResourceFieldSelector),
  mode: pointer(4, int32()),
})
export type DownwardAPIVolumeFile = Static<typeof DownwardAPIVolumeFile>

export const DownwardAPIVolumeSource = object('io.k8s.api.core.v1.DownwardAPIVolumeSource', {
  items: field(1, array(DownwardAPIVolumeFile)),
  defaultMode: pointer(2, int32(), { default: 0o644 }),
})
export type DownwardAPIVolumeSource = Static<typeof DownwardAPIVolumeSource>

export const SecretProjection = object('io.k8s.api.core.v1.SecretProjection', {
  ...embedded(1, LocalObjectReference),
  items: field(2, array(KeyToPath)),
  optional: pointer(4, boolean()),
})
export type SecretProjection = Static<typeof SecretProjection>

export const ConfigMapProjection = object('io.k8s.api.core.v1.ConfigMapProjection', {
  ...embedded(1, LocalObjectReference),
  items: field(2, array(KeyToPath)),
  optional: pointer(4, boolean()),
})
export type ConfigMapProjection = Static<typeof ConfigMapProjection>

export const DownwardAPIProjection = object('io.k8s.api.core.v1.DownwardAPIProjection', {
  items: field(1, array(DownwardAPIVolumeFile)),
})
export type DownwardAPIProjection = Static<typeof DownwardAPIProjection>

export const ServiceAccountTokenProjection = object('io.k8s.api.core.v1.ServiceAccountTokenProjection', {
  audience: field(1, string()),
  expirationSeconds: pointer(2, int64(), { default: 3600 }),
  path: field(3, string(), { required: true }),
})
export type ServiceAccountTokenProjection = Static<typeof ServiceAccountTokenProjection>

export const ClusterTrustBundleProjection = object('io.k8s.api.core.v1.ClusterTrustBundleProjection', {
  name: pointer(1, string()),
  signerName: pointer(2, string()),
  labelSelector: pointer(3, LabelSelector),
  optional: pointer(5, boolean()),
  path: field(4, string(), { required: true }),
})
export type ClusterTrustBundleProjection = Static<typeof ClusterTrustBundleProjection>

export const VolumeProjection = object('io.k8s.api.core.v1.VolumeProjection', {
  secret: pointer(1, SecretProjection),
  downwardAPI: pointer(2, DownwardAPIProjection),
  configMap: pointer(3, ConfigMapProjection),
  serviceAccountToken: pointer(4, ServiceAccountTokenProjection),
  clusterTrustBundle: pointer(5, ClusterTrustBundleProjection),
})
export type VolumeProjection = Static<typeof VolumeProjection>

export const ProjectedVolumeSource = object('io.k8s.api.core.v1.ProjectedVolumeSource', {
  sources: field(1, array(VolumeProjection)),
  defaultMode: pointer(2, int32(), { default: 0o644 }),
})
export type ProjectedVolumeSource = Static<typeof ProjectedVolumeSource>

export const PersistentVolumeClaimVolumeSource = object('io.k8s.api.core.v1.PersistentVolumeClaimVolumeSource', {
  claimName: field(1, string(), { required: true }),
  readOnly: field(2, boolean()),
})
export type PersistentVolumeClaimVolumeSource = Static<typeof PersistentVolumeClaimVolumeSource>

export const NFSVolumeSource = object('io.k8s.api.core.v1.NFSVolumeSource', {
  server: field(1, string(), { required: true }),
  path: field(2, string(), { required: true }),
  readOnly: field(3, boolean()),
})
export type NFSVolumeSource = Static<typeof NFSVolumeSource>

export const CSIVolumeSource = object('io.k8s.api.core.v1.CSIVolumeSource', {
  driver: field(1, string(), { required: true }),
  readOnly: pointer(2, boolean()),
  fsType: pointer(3, string()),
  volumeAttributes: field(4, map(string())),
  nodePublishSecretRef: pointer(5, LocalObjectReference),
})
export type CSIVolumeSource = Static<typeof CSIVolumeSource>

export const EphemeralVolumeSource = object('io.k8s.api.core.v1.EphemeralVolumeSource', {
  volumeClaimTemplate: pointer(1, PersistentVolumeClaimTemplate),
})
export type EphemeralVolumeSource = Static<typeof EphemeralVolumeSource>

export const ImageVolumeSource = object('io.k8s.api.core.v1.ImageVolumeSource', {
  reference: field(1, string()),
  pullPolicy: field(2, oneOf('Always', 'IfNotPresent', 'Never')),
})
export type ImageVolumeSource = Static<typeof ImageVolumeSource>

export const VolumeSource = object('io.k8s.api.core.v1.VolumeSource', {
  hostPath: pointer(1, HostPathVolumeSource),
  emptyDir: pointer(2, EmptyDirVolumeSource),
  secret: pointer(6, SecretVolumeSource),
  nfs: pointer(7, NFSVolumeSource),
  persistentVolumeClaim: pointer(10, PersistentVolumeClaimVolumeSource),
  downwardAPI: pointer(16, DownwardAPIVolumeSource),
  configMap: pointer(19, ConfigMapVolumeSource),
  projected: pointer(26, ProjectedVolumeSource),
  csi: pointer(28, CSIVolumeSource),
  ephemeral: pointer(29, EphemeralVolumeSource),
  image: pointer(30, ImageVolumeSource),
})
export type VolumeSource = Static<typeof VolumeSource>

export const Volume = object('io.k8s.api.core.v1.Volume', {
  name: field(1, string(), { required: true }),
  ...embedded(2, VolumeSource),
})
export type Volume = Static<typeof Volume>
